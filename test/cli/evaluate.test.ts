/** The program itself: stopped in the middle, gone on with, read again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateArgs } from '../../src/cli/evaluate-args';
import { runEvaluation } from '../../src/cli/evaluate-run';
import { inTemporaryFolder } from '../support/temporary';

interface Ended {
  readonly status: number | null;
  readonly printed: string;
  readonly told: string;
}

/** Runs the program. @param stopAt sends it SIGINT when it has said so */
function run(args: readonly string[], stopAt?: RegExp): Promise<Ended> {
  const program = ['--import', 'tsx', 'src/cli/evaluate.ts', ...args];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [printed, told, isStopped] = ['', '', false];
  child.stdout.on('data', (text) => {
    printed += text;
  });
  child.stderr.on('data', (text) => {
    told += text;
    if (!stopAt?.test(told) || isStopped) return;
    isStopped = true; // a second signal would end it at once
    child.kill('SIGINT');
  });
  return new Promise((done) => {
    child.on('close', (status) => done({ status, printed, told }));
  });
}

describe('npm run evaluate', () => {
  it('is stopped with what it has, goes on from there, and reports', () =>
    inTemporaryFolder(async (folder) => {
      const out = join(folder, 'out');
      const args = [
        ...['--models', 'base=data/base', 'same=data/base+data/base/unet', '--out', out],
        ...['--max_prompts', '2', '--seeds', '0,1', '--steps', '2', '--guidance_scale', '2'],
        ...['--resamples', '200', '--batch', '1', '--scorers', 'judge', 'embedded'],
      ];
      const stopped = await run(args, /drawing base: picture 1\/4/);
      assert.equal(stopped.status, 130, stopped.told);
      assert.match(stopped.told, /is kept in .*out; the same command goes on from there/);
      const kept = readdirSync(join(out, 'pictures', 'base')).length;
      assert.ok(kept >= 1 && !existsSync(join(out, 'pictures', 'same')), `${kept} pictures`);

      const { status, printed, told } = await run(args);
      assert.equal(status, 0, told);
      if (kept < 4) assert.match(told, new RegExp(`drawing base \\(${kept} were there\\)`));
      assert.match(printed, /^same against base, judge {5}50\.0 % \(50\.0–50\.0\), n = 2 prompts/m);
      assertPage(readFileSync(join(out, 'index.html'), 'utf8'));
      const [head = '', row = '', learnt = ''] = readFileSync(
        join(out, 'result.csv'),
        'utf8',
      ).split('\n');
      assert.match(head, /^challenger,base,scorer,scorer_revision,scorer_sha256,/);
      assert.match(
        row,
        /^same,base,judge,local,[0-9a-f]{64},2,0 1,of each prompt,0,0,4,0\.5,0\.5,0\.5,BCa,/,
      );
      assert.match(learnt, /^same,base,embedded,local,[0-9a-f]{64},2,0 1,of each prompt,0,0,4,/); // one score a picture
      assert.match(
        readFileSync(join(out, 'result.md'), 'utf8'),
        /\| same against base \| judge \|/,
      );
      const scores = readFileSync(join(out, 'scores.csv'), 'utf8').trimEnd().split('\n');
      assert.equal(scores.length, 1 + 2 * 2 * 2);

      const compare = evaluateArgs(['--compare', out, join(out, 'result.json')]);
      const lines = await runEvaluation(compare, new AbortController().signal);
      assert.match(
        lines.join('\n'),
        /^same, judge .* then 50\.0 % .*, change 0\.0 % \(0\.0–0\.0\)$/m,
      );
    }));

  it('reads its command line', () => {
    const { models, seeds, prompts, scorers, steps } = evaluateArgs([
      ...['--models', 'a=x=y', 'b=owner/name+unet', '--seeds', '0..2', '--prompts', 'partiprompts'],
    ]);
    assert.deepEqual(models, [
      ['a', 'x=y'],
      ['b', 'owner/name+unet'],
    ]);
    assert.deepEqual([seeds, prompts, steps], [[0, 1, 2], 'partiprompts', 50]);
    assert.deepEqual(scorers, ['judge', 'faithful', 'embedded']);
  });
});

/** Pictures in the page, and nothing that it would ask a network for. */
function assertPage(html: string): void {
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; img-src data:/);
  assert.doesNotMatch(html, /<script|src="(?!data:)|href="(?!#)|url\(/);
  assert.match(html, /<svg .*same − base/s);
  assert.match(html, /same against base, by embedded/);
  assert.match(html, /<td>colourfulness<\/td>/);
}
