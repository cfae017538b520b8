/** The checks of `npm run torture -- hub`: what DPO promises of its cache, against a hub that does everything wrong. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { resolve } from '../../src/hub/remote/resolve';
import { PythonRandom } from '../../src/random/python-random';
import { FAULTS } from '../support/mock-hub-faults';
import { sha256 } from '../support/mock-hub-store';
import { type HubTrial, noise, withHub } from '../support/with-hub';
import type { Settings } from '../torture';

const NAME = 'someone/weights';
const downloader = join(__dirname, 'downloader.ts');

interface Downloaded {
  readonly digests: readonly string[];
  readonly connections: number;
}

/** Downloads in a process of its own, killed after some milliseconds. Undefined where it was killed. */
function download(
  { hub, cacheDir }: HubTrial,
  { killAfter, network = 'online' }: { killAfter?: number; network?: 'online' | 'offline' } = {},
): Promise<Downloaded | undefined> {
  const env = {
    ...{ PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cacheDir },
    ...(network === 'offline' ? { HF_HUB_OFFLINE: '1' } : {}),
  };
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ['--import', 'tsx', downloader, NAME], { env });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    const timer =
      killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) done(JSON.parse(output));
      else if (signal === 'SIGKILL') done(undefined);
      else failed(new Error(`the download ended with ${status ?? signal}: ${errors}`));
    });
  });
}

const blobsOf = ({ cacheDir }: HubTrial) => {
  const folder = join(cacheDir, 'models--someone--weights', 'blobs');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => ({ name, path: join(folder, name) }));
};

/** Processes that download one file into one cache at the same moment. */
export async function processesCheck(
  _: unknown,
  { processes = 8, size = 4_000_000 } = {},
): Promise<string> {
  return withHub(async (trial) => {
    const contents = noise(size);
    trial.hub.add(NAME, { 'model.safetensors': contents });
    trial.hub.fail('slow', { times: 1 });
    const all = await Promise.all(Array.from({ length: processes }, () => download(trial)));
    for (const one of all) assert.deepEqual(one?.digests, [sha256(contents)]);
    assert.deepEqual(
      blobsOf(trial).map(({ name }) => name),
      [sha256(contents)],
    );
    const times = trial.hub.bytesSent / size;
    return `${processes} processes, ${processes} succeed, 1 blob, sha256 right; the file was sent ${times.toFixed(1)} times`;
  });
}

/** A download that is killed again and again: nothing half appears, and bytes that came are not asked for again. */
export async function killsCheck(
  { kills }: Pick<Settings, 'kills'>,
  { size = 2_000_000 } = {},
): Promise<string> {
  return withHub(async (trial) => {
    const contents = noise(size);
    trial.hub.add(NAME, { 'model.safetensors': contents });
    trial.hub.fail('slow', { times: Number.POSITIVE_INFINITY });
    const start = performance.now();
    await download(trial);
    const length = performance.now() - start;
    const random = new PythonRandom(0);
    const report = { killed: 0, ended: 0, mid: 0 };
    clear(trial);
    while (report.killed < kills) {
      const ended = await download(trial, { killAfter: (0.4 + 0.6 * random.random()) * length });
      for (const { name, path } of blobsOf(trial))
        if (name.endsWith('.incomplete')) report.mid += ended ? 0 : 1;
        else assert.equal(sha256(readFileSync(path)), name, 'a bad blob was published');
      if (!ended) {
        report.killed += 1;
        continue;
      }
      assert.deepEqual(ended.digests, [sha256(contents)]);
      assert.deepEqual(
        blobsOf(trial).map(({ name }) => name),
        [sha256(contents)],
      );
      report.ended += 1;
      clear(trial);
    }
    return `${report.killed} kills, ${report.mid} of them in the middle of the file, ${report.ended} downloads ended between: 0 bad blobs published`;
  });
}

const clear = ({ cacheDir }: HubTrial) => rmSync(cacheDir, { recursive: true, force: true });

/** Every fault, at random places of the transfer, with a beginning of random length already there. */
export async function faultsCheck(_: unknown, { rounds = 25 } = {}): Promise<string> {
  const random = new PythonRandom(1);
  const told: string[] = [];
  for (const fault of FAULTS) {
    const report = { whole: 0, refused: 0 };
    for (let round = 0; round < rounds; round++)
      await withHub(async ({ hub, options, cacheDir }) => {
        const contents = noise(1 + Math.floor(random.random() * 200_000), round);
        hub.add(NAME, { 'model.safetensors': contents });
        if (random.random() < 0.5) hub.fail('cut'); // so that the fault falls on a range
        hub.fail(fault, { times: 1 + Math.floor(random.random() * 3) });
        const outcome = await resolve(NAME, { ...options, files: ['*'] }).catch(
          (error: Error) => error,
        );
        if (outcome instanceof Error) {
          assert.equal(outcome.name, 'HubError', String(outcome.stack));
          report.refused += 1;
        } else {
          assert.deepEqual(readFileSync(outcome.files[0] ?? ''), contents, `${fault}: wrong bytes`);
          report.whole += 1;
        }
        for (const name of readdirSync(join(cacheDir, 'models--someone--weights', 'blobs')))
          assert.ok(name.endsWith('.incomplete') || name === sha256(contents));
      });
    told.push(`${fault}: ${report.whole} whole, ${report.refused} refused`);
  }
  return `${rounds} rounds of each fault, 0 accepted bad\n    ${told.join('\n    ')}`;
}

/** Connections cut in the middle: only what is missing is sent again. */
export async function resumeCheck(_: unknown, { rounds = 20 } = {}): Promise<string> {
  let worst = 0;
  for (let round = 0; round < rounds; round++)
    await withHub(async ({ hub, options }) => {
      const contents = noise(2_000_000 + round);
      hub.add(NAME, { 'model.safetensors': contents });
      hub.fail('cut', { times: 3 });
      await resolve(NAME, { ...options, files: ['*'] });
      worst = Math.max(worst, (hub.bytesSent - contents.length) / 3);
    });
  assert.ok(worst <= 65_536, `${worst} bytes of a cut connection were sent again`);
  return `${rounds} downloads cut 3 times each: at most ${Math.ceil(worst)} bytes of a cut were sent again (a chunk has 65536)`;
}

/** A process without the network opens no connection, and finds everything. */
export async function offlineCheck(): Promise<string> {
  return withHub(async (trial) => {
    trial.hub.add(NAME, { 'config.json': '{}', 'model.safetensors': noise(100_000) });
    const online = await download(trial);
    const offline = await download(trial, { network: 'offline' });
    assert.deepEqual(offline?.digests, online?.digests);
    assert.ok(
      (online?.connections ?? 0) > 0,
      'the online run opened no connection that was counted',
    );
    assert.equal(offline?.connections, 0);
    return `online ${online?.connections} connections, offline 0, the same files`;
  });
}
