/** The check of `npm run torture -- labels`: answers that were confirmed are there, whatever was killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { readLabels } from '../../src/data/label-file';
import { PythonRandom } from '../../src/random/python-random';
import { CHOICES, choiceOf } from '../../src/show/label-session';
import { enter } from '../support/label-client';
import { jsonLines, writeFiles } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

const root = resolve(__dirname, '..', '..');

/** A list of `count` pairs of a few pictures. */
async function manyPairs(folder: string, count: number): Promise<string> {
  const pictures = Array.from(
    { length: Math.ceil(Math.sqrt(2 * count)) + 1 },
    (_, i) => `${i}.png`,
  );
  const pairs = pictures.flatMap((jpg_0, i) =>
    pictures.slice(i + 1).map((jpg_1) => ({ prompt: jpg_0, jpg_0, jpg_1 })),
  );
  const greys = Object.fromEntries(pictures.map((name, i) => [name, i]));
  await writeFiles(folder, { ...greys, 'pairs.jsonl': jsonLines(...pairs.slice(0, count)) });
  return join(folder, 'pairs.jsonl');
}

/** `npm run label` without npm. */
async function startLabelling(pairs: string, out: string) {
  const program = ['--import', 'tsx', join(root, 'src/cli/label.ts')];
  const options = ['--pairs', pairs, '--labeller', 'anna', '--out', out];
  const child = spawn(process.execPath, [...program, ...options], { cwd: root });
  let printed = '';
  const link = new Promise<string>((found, failed) => {
    const hear = (part: Buffer) => {
      printed += part.toString();
      const [address] = /^http:\S+(?=\n)/m.exec(printed) ?? [];
      if (address !== undefined) found(address);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (status) => failed(new Error(`It ended with ${status}:\n${printed}`)));
  });
  return { child, client: await enter(await link) };
}

type Client = Awaited<ReturnType<typeof enter>>;

export interface ClickOptions {
  readonly clicks: number;
  readonly kills: number;
  /** @default 0 */
  readonly seed?: number;
}

/**
 * Answers pair after pair, takes one in eight back, and kills the program while some of the answers are on their way.
 * @throws AssertionError where a confirmed answer is lost or another
 */
export function clicksCheck({ clicks, kills, seed = 0 }: ClickOptions): Promise<string> {
  return inTemporaryFolder(async (folder) => {
    const random = new PythonRandom(seed);
    const pairs = await manyPairs(folder, clicks);
    const out = join(folder, 'labels.jsonl');
    const killAt = new Set(
      Array.from({ length: kills }, (_, i) =>
        Math.floor(((i + 0.3 + 0.4 * random.random()) * clicks) / kills),
      ),
    );
    const confirmed = new Map<number, string>();
    let uncertain = 0;
    let { child, client } = await startLabelling(pairs, out);
    try {
      for (let pair = 0; pair < clicks; pair++) {
        const choice = random.choice(CHOICES);
        const timer = killAt.delete(pair) ? killSoon(child, random) : undefined;
        try {
          await answer(client, pair, choice, confirmed);
          if (pair % 8 === 7) await takeBack(client, pair, confirmed);
          if (timer === undefined) continue;
        } catch (error) {
          if (timer === undefined) throw error;
          uncertain++; // nobody was told whether it is kept
        }
        await timer;
        ({ child, client } = await startLabelling(pairs, out));
        pair--; // and answered again
      }
    } finally {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    assert.equal(child.exitCode, 0, 'Ctrl-C ends it well');
    const kept = readLabels(out).byLabeller.get('anna');
    assert.equal(kept?.size, clicks);
    for (const [i, label] of [...(kept?.values() ?? [])].entries())
      assert.equal(choiceOf(label), confirmed.get(i), `answer ${i}`);
    return `${clicks} answers, ${kills} kills, ${uncertain} answers cut off and given again: none is lost or another`;
  });
}

async function answer(
  { askJson }: Client,
  pair: number,
  choice: string,
  confirmed: Map<number, string>,
): Promise<void> {
  await askJson('POST', '/choice', { pair, choice });
  confirmed.set(pair, choice);
}

/** The last answer, and gives another in its place. */
async function takeBack(
  client: Client,
  pair: number,
  confirmed: Map<number, string>,
): Promise<void> {
  const { next } = await client.askJson('POST', '/undo', {});
  assert.equal(next, pair);
  await answer(client, pair, 'tie', confirmed);
}

/** SIGKILL within the next milliseconds; resolves when the process is gone. */
function killSoon(child: ChildProcess, random: PythonRandom): Promise<unknown> {
  const gone = once(child, 'exit');
  setTimeout(() => child.kill('SIGKILL'), 4 * random.random());
  return gone;
}
