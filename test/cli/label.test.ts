/** `npm run label`: its links, its end, and what a kill leaves. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { enter } from '../support/label-client';
import { listOfPairs } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';
import { clicksCheck } from '../torture/labels';

const root = resolve(__dirname, '..', '..');
const program = ['--import', 'tsx', join(root, 'src/cli', 'label.ts')];

describe('npm run label', () => {
  it('prints a link, another when that was used, and where the answers are when it is stopped', () =>
    inTemporaryFolder(async (folder) => {
      const pairs = await listOfPairs(folder, 3);
      const child = spawn(process.execPath, [...program, '--pairs', pairs, '--labeller', 'Bo'], {
        cwd: root,
      });
      let printed = '';
      child.stdout.on('data', (part) => {
        printed += part;
      });
      const links = async (count: number) => {
        for (;;) {
          const found = [...printed.matchAll(/http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}(?=\n)/g)];
          const link = found[count - 1]?.[0];
          if (link !== undefined) return link;
          await setTimeout(20);
        }
      };
      const first = await links(1);
      assert.match(printed, /^Bo: 3 pairs to label\. Open this in a browser, once:\n/);
      await (await enter(first)).askJson('POST', '/choice', { pair: 1, choice: 'tie' });
      const second = await links(2);
      assert.match(printed, /\nFor another tab: http/);
      assert.notEqual(second, first);
      await (await enter(second)).askJson('POST', '/choice', { pair: 0, choice: 'tie' });
      child.kill('SIGINT');
      const [status] = await once(child, 'close');
      const file = join(folder, 'labels.jsonl');
      assert.equal(status, 0);
      assert.ok(printed.endsWith(`2 of 3 pairs have an answer by Bo, in\n${file}\n`), printed);
      assert.equal(readFileSync(file, 'utf8').match(/"label_0":0\.5,"labeller":"Bo"/g)?.length, 2);
    }));

  it('says in one sentence what is wrong', () => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [...program, ...args], { cwd: root, encoding: 'utf8' });
    const none = run('--pairs', '/nowhere', '--labeller', 'Bo');
    assert.deepEqual([none.status, none.stdout], [1, '']);
    assert.match(none.stderr, /^"\/nowhere" has no pairs: neither a list .*\n$/);
    const noName = run('--pairs', '/nowhere');
    assert.equal(noName.status, 2);
    assert.match(noName.stderr, /the following arguments are required: --labeller/);
  });

  it('loses no answer to a kill (npm run torture -- labels has a thousand)', async () => {
    assert.match(await clicksCheck({ clicks: 100, kills: 1, seed: 1 }), /^100 answers, 1 kills, /);
  });
});
