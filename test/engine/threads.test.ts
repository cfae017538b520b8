import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { cgroupQuota, threadsFor, usableProcessors, withThreads } from '../../src/engine/threads';

const quotaOf = (files: Readonly<Record<string, string>>) => cgroupQuota((path) => files[path]);

describe('cgroupQuota', () => {
  const v2 = '/sys/fs/cgroup';
  const v1 = '/sys/fs/cgroup/cpu,cpuacct';

  it('is infinite without a quota, and without control groups', () => {
    const infinite = Number.POSITIVE_INFINITY;
    assert.equal(quotaOf({}), infinite);
    assert.equal(quotaOf({ '/proc/self/cgroup': '0::/\n' }), infinite);
    const unbound = { '/proc/self/cgroup': '0::/a\n', [`${v2}/a/cpu.max`]: 'max 100000\n' };
    assert.equal(quotaOf(unbound), infinite);
    const old = {
      '/proc/self/cgroup': '3:cpu,cpuacct:/\n',
      [`${v1}/cpu.cfs_quota_us`]: '-1\n',
      [`${v1}/cpu.cfs_period_us`]: '100000\n',
    };
    assert.equal(quotaOf(old), infinite);
  });

  it('is the least of a group and all above it (version 2)', () => {
    const files = {
      '/proc/self/cgroup': '0::/slice/job\n',
      [`${v2}/slice/job/cpu.max`]: '400000 100000\n',
      [`${v2}/slice/cpu.max`]: '150000 50000\n',
    };
    assert.equal(quotaOf(files), 3);
    assert.equal(quotaOf({ ...files, [`${v2}/cpu.max`]: '50000 100000\n' }), 0.5);
  });

  it('is found by the controllers of version 1, and at the root of a container', () => {
    const files = {
      '/proc/self/cgroup': '5:memory:/elsewhere\n4:cpu,cpuacct:/docker/0123\n0::/\n',
      [`${v1}/cpu.cfs_quota_us`]: '250000\n',
      [`${v1}/cpu.cfs_period_us`]: '100000\n',
    };
    assert.equal(quotaOf(files), 2.5);
  });
});

describe('usableProcessors', () => {
  it('never exceeds the quota, and is at least 1', () => {
    assert.equal(usableProcessors(Number.POSITIVE_INFINITY), availableParallelism());
    assert.equal(usableProcessors(1.9), 1);
    assert.equal(usableProcessors(0.2), 1);
    assert.ok(usableProcessors() <= availableParallelism());
  });
});

describe('threadsFor', () => {
  it('is one for each processor, and one operation at a time', () => {
    assert.deepEqual(threadsFor({}, 6), { kernels: 6, intraOp: 6, interOp: 1 });
  });

  it('lets the user decide', () => {
    assert.deepEqual(threadsFor({ DPO_THREADS: '3' }, 6), { kernels: 3, intraOp: 3, interOp: 1 });
    const own = { TF_NUM_INTRAOP_THREADS: '8', TF_NUM_INTEROP_THREADS: '2' };
    assert.deepEqual(threadsFor(own, 6), { kernels: 6, intraOp: 8, interOp: 2 });
  });

  it('refuses what is no count', () => {
    for (const DPO_THREADS of ['0', '-2', '1.5', 'all'])
      assert.throws(() => threadsFor({ DPO_THREADS }, 6), {
        name: 'RangeError',
        message: `DPO_THREADS must be a whole number from 1 to 1024, not "${DPO_THREADS}".`,
      });
  });
});

describe('withThreads', () => {
  it('sets TensorFlow’s variables while it loads, and leaves none to child processes', () => {
    const names = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'];
    const seen = () => names.map((name) => process.env[name]);
    const before = seen();
    assert.deepEqual(withThreads({ kernels: 5, intraOp: 7, interOp: 4 }, seen), ['7', '4']);
    assert.deepEqual(seen(), before);
  });
});

describe('a process that loads the engine', () => {
  const child = resolve(__dirname, '..', 'support', 'thread-count.ts');

  /** What the engine says of its threads, and how many threads the process has. */
  function started(command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const [program = '', ...before] = [...command, process.execPath];
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment };
    const args = [...before, '--import', 'tsx', child];
    return JSON.parse(execFileSync(program, args, { encoding: 'utf8', env }));
  }

  it('gives TensorFlow as many threads as it says', function () {
    if (!readdirSync('/').includes('proc')) this.skip();
    const few = started([], { TF_NUM_INTRAOP_THREADS: '2', DPO_THREADS: '1' });
    const many = started([], { TF_NUM_INTRAOP_THREADS: '12', DPO_THREADS: '1' });
    assert.equal(few.tensorflowThreads, 2);
    assert.equal(many.tensorflowThreads, 12);
    const more = many.tasks - few.tasks; // Node's own threads come and go
    assert.ok(more >= 8 && more <= 12, `${more} more threads for 10 more`);
  });

  it('has one of each on one processor', function () {
    if (process.platform !== 'linux') this.skip();
    const { kernelThreads, tensorflowThreads } = started(['taskset', '-c', '0']);
    assert.deepEqual([kernelThreads, tensorflowThreads], [1, 1]);
  });
});
