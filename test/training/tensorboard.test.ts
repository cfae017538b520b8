import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { configTable, openReporter } from '../../src/training/reporters';
import { TensorBoardWriter } from '../../src/training/tensorboard';
import {
  crc32c,
  encodeEvent,
  frameRecord,
  type SummaryValue,
  type TensorBoardEvent,
} from '../../src/training/tensorboard-events';
import { inTemporaryFolder } from '../support/temporary';

/** JSON has no NaN, and PNGs stand in hex. */
interface StoredValue {
  readonly tag: string;
  readonly scalar?: string;
  readonly text?: string;
  readonly png?: string;
}
type StoredEvent = { readonly record: string; readonly values?: readonly StoredValue[] };

const golden = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/training/tensorboard.json'), 'utf8'),
) as { readonly events: readonly StoredEvent[] };

function summaryValue({ tag, scalar, text, png }: StoredValue): SummaryValue {
  if (scalar !== undefined) return { tag, scalar: Number(scalar.replace(/inf/, 'Infinity')) };
  return png === undefined ? { tag, text: text ?? '' } : { tag, png: Buffer.from(png, 'hex') };
}

function eventOf({ record: _, values, ...rest }: StoredEvent): TensorBoardEvent {
  return { ...rest, ...(values && { values: values.map(summaryValue) }) } as TensorBoardEvent;
}

/** Data of the records of an event file. */
function recordsIn(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + size);
    assert.deepEqual(bytes.subarray(at, at + size + 16), frameRecord(data));
    records.push(data);
    at += size + 16;
  }
  return records;
}

const firstPng = () => {
  const values = golden.events.flatMap((event) => event.values ?? []);
  return Buffer.from(values.find(({ png }) => png)?.png ?? '', 'hex');
};

describe('encodeEvent', () => {
  for (const event of golden.events) {
    const { values, record, ...rest } = event;
    const what = values ? `${values[0]?.tag} at step ${eventOf(event).step}` : JSON.stringify(rest);
    it(`writes the bytes that PyTorch's SummaryWriter writes: ${what}`, () => {
      assert.equal(frameRecord(encodeEvent(eventOf(event))).toString('hex'), record);
    });
  }

  it('writes steps beyond 32 bits', () => {
    // field 2, varint: 2^40 + 3 is 3, then 7 bits each: 0x83 0x80 0x80 0x80 0x80 0x20
    const event = encodeEvent({ wallTime: 0, step: 2 ** 40 + 3, values: [] });
    assert.ok(event.toString('hex').includes('10838080808020'));
  });

  it('refuses a picture that is no PNG', () => {
    const values = [{ tag: 'x', png: Buffer.alloc(100) }];
    assert.throws(() => encodeEvent({ wallTime: 0, values }), /given pictures as PNG/);
  });
});

describe('crc32c', () => {
  it("gives RFC 3720's examples (B.4)", () => {
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  });
});

describe('TensorBoardWriter', () => {
  it('has written an event when the call returns', () =>
    inTemporaryFolder(async (folder) => {
      const writer = new TensorBoardWriter(join(folder, 'logs'), { now: () => 1700000000.5 });
      assert.equal(basename(writer.path), 'events.out.tfevents.1700000000.diffusion-dpo');
      assert.equal(recordsIn(writer.path).length, 1);
      writer.scalars(3, { loss: 0.5, lr: 1e-5 });
      writer.text('config', 'x');
      writer.image('validation', 3, firstPng());
      const values = [
        { tag: 'loss', scalar: 0.5 },
        { tag: 'lr', scalar: 1e-5 },
      ];
      const expected: TensorBoardEvent[] = [
        { wallTime: 1700000000.5, fileVersion: 'brain.Event:2', writer: 'diffusion-dpo' },
        { wallTime: 1700000000.5, step: 3, values },
        { wallTime: 1700000000.5, values: [{ tag: 'config/text_summary', text: 'x' }] },
        { wallTime: 1700000000.5, step: 3, values: [{ tag: 'validation', png: firstPng() }] },
      ];
      assert.deepEqual(recordsIn(writer.path), expected.map(encodeEvent));
      writer.close();
    }));

  it('goes on in a new file that sorts last, and marks the step from which the old one is void', () =>
    inTemporaryFolder(async (folder) => {
      mkdirSync(join(folder, 'a'));
      const later = 'events.out.tfevents.1700000009.host.1.0';
      writeFileSync(join(folder, later), '');
      const names: string[] = [];
      for (const resumeAt of [10, 20]) {
        const writer = new TensorBoardWriter(folder, { resumeAt, now: () => 1700000000 });
        writer.close();
        names.push(basename(writer.path));
        const mark: TensorBoardEvent = {
          wallTime: 1700000000,
          step: resumeAt + 1,
          sessionLog: 'start',
        };
        assert.deepEqual(recordsIn(writer.path)[1], encodeEvent(mark));
      }
      assert.deepEqual(readdirSync(folder).sort(), ['a', later, ...names]);
    }));
});

describe('openReporter', () => {
  const options = (loggingDir: string) => ({
    loggingDir,
    project: 'tuning',
    config: { learningRate: 1e-5, hubToken: 'hf_secret', prompt: 'a|b' },
  });

  it('writes the config, figures and pictures for TensorBoard', () =>
    inTemporaryFolder(async (folder) => {
      const reporter = await openReporter('tensorboard', options(folder));
      reporter.log({ step: 2, train_loss: 0.5 });
      reporter.image('validation', 2, firstPng());
      await reporter.close();
      const [name = ''] = readdirSync(folder);
      const records = recordsIn(join(folder, name)).map((record) => record.toString('latin1'));
      assert.equal(records.length, 4);
      assert.match(records[1] ?? '', /config\/text_summary/);
      assert.ok(records[1]?.includes('| learningRate | 0.00001 |\n| prompt | "a\\|b" |'));
      assert.ok(!records.join('').includes('hf_secret'));
      assert.match(records[2] ?? '', /train_loss/);
      assert.doesNotMatch(records[2] ?? '', /\bstep\b/);
    }));

  it('writes nothing for none', () =>
    inTemporaryFolder(async (folder) => {
      const reporter = await openReporter('none', options(folder));
      reporter.log({ step: 1 });
      await reporter.close();
      assert.deepEqual(readdirSync(folder), []);
    }));

  it('says in one sentence that the package of wandb is missing', async () => {
    await assert.rejects(openReporter('wandb', options('x')), {
      message:
        '--report_to wandb needs the package @wandb/sdk, which is not installed: npm install @wandb/sdk, or --report_to tensorboard.',
    });
  });

  it("hides no other fault of wandb's package", async () => {
    const broken = Object.assign(new Error("Cannot find module 'ws'"), {
      code: 'MODULE_NOT_FOUND',
    });
    const load = () => {
      throw broken;
    };
    await assert.rejects(openReporter('wandb', { ...options('x'), load }), broken);
  });

  it('gives wandb project, config and figures, and waits for it to finish', async () => {
    const calls: unknown[][] = [];
    const note = (name: string) => async (value?: unknown) => {
      calls.push([name, value]);
    };
    const wandb = { init: note('init'), log: note('log'), finish: note('finish') };
    const load = () => ({ default: wandb });
    const reporter = await openReporter('wandb', { ...options('x'), load });
    reporter.log({ step: 1, train_loss: 0.5 });
    await reporter.close();
    assert.deepEqual(calls, [
      ['init', { project: 'tuning', config: { learningRate: 1e-5, prompt: 'a|b' } }],
      ['log', { step: 1, train_loss: 0.5 }],
      ['finish', undefined],
    ]);
  });

  it('shows options as a table', () => {
    const table = configTable({ a: undefined, b: [1, 2], c: 'x' });
    assert.equal(table, '| option | value |\n| --- | --- |\n| b | [1,2] |\n| c | "x" |');
  });
});
