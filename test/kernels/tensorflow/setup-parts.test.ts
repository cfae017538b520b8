import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const setup = resolve(__dirname, '../../../kernels/tensorflow/setup');

/** A module of the set-up, which is plain JavaScript because it runs before there are packages. */
async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(setup, name)).href)) as T;
}

describe('set-up parts', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-parts-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  describe('nodeProblem', () => {
    it('takes 20.19, 22.12, 24 and newer, and nothing else', async () => {
      const { nodeProblem } = await load<{ nodeProblem(v: string): string | undefined }>(
        'node-version.mjs',
      );
      for (const good of ['20.19.0', '20.20.2', '22.12.0', '24.0.0', '26.1.0']) {
        assert.equal(nodeProblem(good), undefined, good);
      }
      for (const bad of ['18.20.4', '20.18.3', '21.7.0', '22.11.0', '23.9.0']) {
        assert.match(
          nodeProblem(bad) ?? '',
          new RegExp(`^Node ${bad} will not do.*apt.*dnf.*brew`),
          bad,
        );
      }
    });
  });

  describe('chooseTarget', () => {
    interface Machine {
      platform: string;
      arch: string;
      engine: string;
      findDriver?: () => number | undefined;
    }
    const choose = async (machine: Machine) =>
      (await load<{ chooseTarget(m: Machine): string }>('platform.mjs')).chooseTarget(machine);
    const linux = { platform: 'linux', arch: 'x64' };

    it('takes CUDA where a driver is new enough, and as DPO_ENGINE says', async () => {
      const driver = (version?: number) => () => version;
      assert.equal(
        await choose({ ...linux, engine: '', findDriver: driver(525.6) }),
        'linux-x64-cuda',
      );
      assert.equal(await choose({ ...linux, engine: '', findDriver: driver(520.61) }), 'linux-x64');
      assert.equal(await choose({ ...linux, engine: '', findDriver: driver() }), 'linux-x64');
      assert.equal(await choose({ ...linux, engine: 'cpu', findDriver: driver(580) }), 'linux-x64');
      assert.equal(
        await choose({ ...linux, engine: 'cuda', findDriver: driver() }),
        'linux-x64-cuda',
      );
    });

    it('knows the other platforms and refuses the rest by name', async () => {
      assert.equal(await choose({ platform: 'darwin', arch: 'arm64', engine: '' }), 'darwin-arm64');
      assert.equal(await choose({ platform: 'linux', arch: 'arm64', engine: '' }), 'linux-arm64');
      await assert.rejects(choose({ platform: 'win32', arch: 'x64', engine: '' }), /win32 on x64/);
      await assert.rejects(
        choose({ platform: 'linux', arch: 'arm64', engine: 'cuda' }),
        /no CUDA wheel/,
      );
    });

    it('reads the driver from the kernel module and from nvidia-smi', async () => {
      const { driverVersion } = await load<{ driverVersion(t: string): number | undefined }>(
        'platform.mjs',
      );
      const kernelModule =
        'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc version 12.2.0';
      const open =
        'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build\nGCC version:';
      assert.equal(driverVersion(kernelModule), 550.54);
      assert.equal(driverVersion(open), 570.86);
      assert.equal(driverVersion('535.183.01\n'), 535.183);
      assert.equal(driverVersion('NVIDIA-SMI has failed'), undefined);
    });
  });

  describe('acquireLock', () => {
    const lock = async (path: string, onWait?: (owner: number) => void) =>
      (
        await load<{ acquireLock(p: string, w?: (o: number) => void): Promise<() => void> }>(
          'lock.mjs',
        )
      ).acquireLock(path, onWait);

    it('makes the second one wait for the first', async () => {
      const path = join(folder, 'lock');
      const holder = spawn('sleep', ['30']); // some other living process
      writeFileSync(path, String(holder.pid));
      const waited: number[] = [];
      const second = lock(path, (owner) => waited.push(owner));
      setTimeout(() => rmSync(path), 300);
      const release = await second;
      assert.ok(waited.includes(holder.pid ?? 0));
      assert.equal(readFileSync(path, 'utf8'), String(process.pid));
      release();
      assert.ok(!existsSync(path));
      holder.kill();
    });

    it('takes over from a process that is gone', async () => {
      const path = join(folder, 'lock');
      const gone = spawn('true');
      await once(gone, 'exit');
      writeFileSync(path, String(gone.pid));
      const release = await lock(path);
      assert.equal(readFileSync(path, 'utf8'), String(process.pid));
      release();
    });

    it('takes over a lock whose owner died before it wrote its name', async () => {
      const path = join(folder, 'lock');
      writeFileSync(path, '');
      utimesSync(path, 0, 0);
      const release = await lock(path);
      release();
      assert.ok(!existsSync(path));
    });
  });

  describe('stamps', () => {
    interface Stamp {
      inputHash(of: { values?: string[]; files?: string[] }): string;
      isCurrent(stamp: string, hash: string, outputs: string[]): boolean;
      writeStamp(stamp: string, hash: string): void;
      publish(fresh: string, target: string): void;
    }

    it('are current only for the same inputs and while the outputs are there', async () => {
      const { inputHash, isCurrent, writeStamp } = await load<Stamp>('stamp.mjs');
      const [input, output, stamp] = ['input', 'output', 'stamp'].map((n) => join(folder, n)) as [
        string,
        string,
        string,
      ];
      writeFileSync(input, 'a');
      writeFileSync(output, '');
      writeStamp(stamp, inputHash({ files: [input] }));
      assert.ok(isCurrent(stamp, inputHash({ files: [input] }), [output]));
      writeFileSync(input, 'b');
      assert.ok(!isCurrent(stamp, inputHash({ files: [input] }), [output]));
      writeFileSync(input, 'a');
      rmSync(output);
      assert.ok(!isCurrent(stamp, inputHash({ files: [input] }), [output]));
    });

    it('publish puts a new folder in place of the old one', async () => {
      const { publish } = await load<Stamp>('stamp.mjs');
      for (const name of ['fresh', 'target']) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'file'), name);
      }
      publish(join(folder, 'fresh'), join(folder, 'target'));
      assert.equal(readFileSync(join(folder, 'target/file'), 'utf8'), 'fresh');
      assert.ok(!existsSync(join(folder, 'fresh')) && !existsSync(join(folder, 'target.old')));
    });
  });

  describe('checkDisk', () => {
    it('names what is needed and what is free', async () => {
      const { checkDisk } = await load<{ checkDisk(needed: number, free: number): void }>(
        'run.mjs',
      );
      checkDisk(2e9, 2e9);
      assert.throws(() => checkDisk(2.6e9, 1.2e9), /needs 2\.60 GB .* has 1\.20 GB/);
    });
  });

  describe('progress', () => {
    it('tells bytes, rate and time left', async () => {
      const { describeTransfer, Rate } = await load<{
        describeTransfer(t: { bytes: number; total?: number; rate: number }): string;
        Rate: new () => { add(amount: number, now: number): number };
      }>('progress.mjs');
      const rate = new Rate();
      rate.add(0, 0);
      const perSecond = rate.add(40e6, 2000); // 40 MB in 2 s
      assert.equal(
        describeTransfer({ bytes: 40e6, total: 240e6, rate: perSecond }),
        '40.0 MB of 240 MB · 20.0 MB/s · 10 s left',
      );
      assert.equal(describeTransfer({ bytes: 1.25e9, rate: 0 }), '1.25 GB');
    });
  });
});
