import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { benchArgs } from '../../src/cli/bench/args';
import {
  type BenchCase,
  benchCases,
  type Denoiser,
  realSizeCases,
  usualCases,
  type Work,
} from '../../src/cli/bench/catalogue';
import { watchLoad } from '../../src/cli/bench/load';
import { type Measurement, measure, quantile, type Timing } from '../../src/cli/bench/measure';
import type { Side } from '../../src/cli/bench/peer';
import { loadingLine, rowOf, tableHead, tableRow } from '../../src/cli/bench/report';
import { prepare, setUp } from '../../src/cli/bench/works';
import { tensorCount } from '../../src/engine';
import { UNET_JSON, VAE_JSON } from '../../src/toyworld/model-configs';
import { inTemporaryFolder } from '../support/temporary';

const torchSide = readFileSync(resolve(__dirname, '../../src/cli/bench/bench_torch.py'), 'utf8');

describe('the cases of bench', () => {
  it('are all known to PyTorch’s side', () => {
    for (const { work } of Object.values(benchCases))
      assert.ok(torchSide.includes(`    "${work.kind}": `), work.kind);
  });

  it('run by default unless they fill the memory', () => {
    assert.ok(usualCases.includes('resnet-8-bf16'));
    assert.ok(!usualCases.includes('sd15-pair'));
    assert.deepEqual(benchArgs(['--cases', 'sd15-pair']).cases, ['sd15-pair']);
    assert.deepEqual(benchArgs([]).cases, usualCases);
  });

  it('are those of real size, run once, where that is asked for', () => {
    const { cases, rounds, warm_ups } = benchArgs(['--real-size', '--rounds', '5']);
    assert.deepEqual([cases, rounds, warm_ups], [realSizeCases, 1, 0]);
    const works = cases.map((name) => benchCases[name]?.work);
    assert.deepEqual(
      works.map((work) => work?.kind),
      ['load', 'load', 'sampling', 'vae', 'vae', 'dpo-step'],
    );
    for (const work of works)
      if (work?.kind === 'sampling' || work?.kind === 'dpo-step')
        assert.deepEqual(work.unet.config.block_out_channels, [320, 640, 1280, 1280]);
    assert.ok(cases.every((name) => benchCases[name]?.memory === 'alone'));
  });

  const unet: Denoiser = { config: UNET_JSON, side: 4, text: [3, 64] };
  const works: readonly Work[] = [
    { kind: 'dpo-step', unet, rows: 2, recompute: 'blocks', reference: 'bfloat16' },
    { kind: 'dpo-step', unet, rows: 2, recompute: 'blocks', lora: { rank: 2 } },
    { kind: 'resnet', channels: 32, side: 3 },
    { kind: 'transformer', channels: 32, side: 2 },
    { kind: 'sampling', unet, pictures: 1, steps: 2, vae: VAE_JSON },
    { kind: 'conv-net', rows: 1 },
    { kind: 'vae', way: 'encode', config: VAE_JSON, side: 16 },
    { kind: 'vae', way: 'decode', config: VAE_JSON, side: 64, tile: 16 },
  ];
  for (const work of works)
    it(`${work.kind}${'lora' in work ? ' with an adapter' : ''} runs on our side in both precisions, and leaves nothing`, async () => {
      for (const precision of ['f32', 'bf16'] as const) {
        const run = setUp(work, precision, tmpdir());
        assert.equal(await run(), undefined); // a function would clean up
        const before = tensorCount();
        await run();
        assert.equal(tensorCount(), before);
      }
    });
});

describe('loading as a case of bench', () => {
  for (const dtype of ['F32', 'F16'] as const)
    it(`writes a file of ${dtype} and reads it, and tells the bytes in memory`, () =>
      inTemporaryFolder(async (folder) => {
        const work = { kind: 'load', unet: UNET_JSON, dtype } as const;
        const before = tensorCount();
        const { weightBytes = 0 } = await prepare(work, folder);
        const file = join(folder, dtype, 'diffusion_pytorch_model.safetensors');
        const { size } = statSync(file);
        const header = 8 + Number(readFileSync(file).readBigUInt64LE(0));
        assert.equal(size - header, dtype === 'F32' ? weightBytes : weightBytes / 2);
        const cleanUp = await setUp(work, 'f32', folder)();
        assert.ok(tensorCount() > before);
        cleanUp?.();
        assert.equal(tensorCount(), before);
      }));
});

describe('a side that takes too long', () => {
  /** A process that answers a run after `ms`, the first one after `first`. */
  const side = (name: string, ms: number, first = ms): Side => ({
    name,
    command: [
      process.execPath,
      '-e',
      `let ms = ${first};
      console.log('{}');
      process.stdin.on('data', () => { setTimeout(console.log, ms, '{"ms":' + ms + '}'); ms = ${ms}; });
      process.stdin.on('end', () => process.exit());`,
    ],
  });
  const sides = [side('ours', 10), side('slow', 100), side('too slow', 60_000, 10)];
  for (const memory of ['shared', 'alone'] as const)
    it(`is given up (${memory} memory)`, async () => {
      const work = { kind: 'resnet', channels: 32, side: 3 } as const;
      const benchCase: BenchCase = { what: '', work, precision: 'f32', memory };
      const options = { rounds: 2, warm_ups: 1, leastPatience: 1000, folder: '' };
      const measured = await measure(sides, benchCase, options);
      const [ours, slow, tooSlow] = measured.timings;
      assert.deepEqual(ours?.runs, [10, 10]);
      assert.deepEqual(slow?.runs, [100, 100]);
      assert.deepEqual([tooSlow?.runs, tooSlow?.median], [[], 1000]);
      const alone = { ...measured, timings: measured.timings.filter((_, i) => i !== 1) };
      const line = tableRow(rowOf('some', benchCase, alone, 1e9));
      assert.match(line, /\| 10.0 \(10.0–10.0\) +\| over 1000 +\| too slow +\| > 100.00× \|/);
    }).timeout(20_000);
});

describe('quantile', () => {
  it('interpolates', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(quantile([5, 1, 3], 0.25), 2);
    assert.equal(quantile([7], 0.75), 7);
  });
});

describe('a row of bench', () => {
  const timing = (side: string, median: number) => ({
    side,
    median,
    quartiles: [median - 1, median + 1] as const,
    least: median - 2,
    runs: [median],
    peakBytes: 2e9,
  });
  const measured: Measurement = {
    timings: [timing('ours', 40), timing('PyTorch NCHW', 90), timing('PyTorch channels_last', 60)],
    operations: 6e9,
    load: { processors: 0.25, loadAverage: 1 },
  };
  const [name, benchCase] = Object.entries(benchCases)[0] as [string, (typeof benchCases)[string]];

  it('compares with the better form of PyTorch, and with the arithmetic', () => {
    const row = rowOf(name, benchCase, measured, 400e9);
    assert.equal(row.peer?.side, 'PyTorch channels_last');
    assert.equal(row.ratio, 1.5);
    assert.equal(row.floor, 15); // 6 GFLOP at 400 GFLOP/s
    const columns = (line: string) => line.split('|').map((cell) => cell.trim());
    const cells = ['world-16', '40.0 (39.0–41.0)', '60.0 (59.0–61.0)', 'channels_last', '1.50×'];
    assert.deepEqual(columns(tableRow(row)).slice(1, 9), [...cells, '15.0', '2.0 / 2.0', '0.25']);
    assert.equal(columns(tableHead().split('\n')[0] ?? '').length, columns(tableRow(row)).length);
  });

  it('says the same when it was written as JSON and read again', () => {
    const [ours] = measured.timings;
    assert.ok(ours);
    for (const some of [measured, { ...measured, timings: [ours], operations: undefined }]) {
      const row = rowOf(name, benchCase, some, 400e9);
      const written = JSON.parse(JSON.stringify(row));
      assert.equal(tableRow(written), tableRow(row));
      assert.deepEqual(written.timings, row.timings); // every run, not only the median
      assert.deepEqual([written.precision, written.load], ['f32', measured.load]);
    }
  });

  it('says nothing of what was not measured', () => {
    const [ours] = measured.timings;
    assert.ok(ours);
    const alone = { ...measured, timings: [ours], operations: undefined };
    const row = rowOf(name, benchCase, alone, 400e9);
    assert.deepEqual([row.peer, row.ratio, row.floor], [undefined, undefined, undefined]);
  });
});

describe('what bench says of loading', () => {
  const [name, benchCase] = ['sd15-load', benchCases['sd15-load'] as BenchCase];
  const timing = (side: string, memory: Pick<Timing, 'peakBytes' | 'growthBytes'>) =>
    ({ side, median: 1, quartiles: [1, 1], least: 1, runs: [1], ...memory }) as const;
  const load = { processors: 0, loadAverage: 0 };
  const row = (timings: Measurement['timings'], weightBytes?: number) =>
    rowOf(name, benchCase, { timings, operations: undefined, load, weightBytes }, 1);
  const ours = timing('ours', { peakBytes: 2.5e9, growthBytes: 2.1e9 });

  it('is the growth of the process as a multiple of the weights, and the whole', () => {
    const torch = timing('PyTorch NCHW', { peakBytes: 5.51e9, growthBytes: 5e9 });
    const start =
      'sd15-load: the weights take 2.00 GB; loading makes the process grow by 1.05 times that, to 2.5 GB';
    const others = "PyTorch's by 2.50 times that, to 5.5 GB";
    assert.equal(loadingLine(row([ours, torch], 2e9)), `${start}; ${others}.`);
    assert.equal(loadingLine(row([ours], 2e9)), `${start}.`);
  });

  it('is nothing where nothing is loaded, and no number where there is no account', () => {
    assert.equal(loadingLine(row([ours])), undefined);
    const unknown = timing('ours', { peakBytes: undefined });
    assert.match(loadingLine(row([unknown], 2e9)) ?? '', /; loading .* by unknown, to – GB\.$/);
  });
});

describe('watchLoad', () => {
  it('leaves out what this process does', () => {
    const stop = watchLoad([]);
    const end = performance.now() + 300;
    while (performance.now() < end) Math.sqrt(end);
    const { processors, loadAverage } = stop();
    assert.ok(processors === undefined || processors >= 0);
    assert.ok(loadAverage >= 0);
  });
});
