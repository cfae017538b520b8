import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel, saveModel } from '../../src/hub/model-folder';
import { UNET } from '../../src/hub/model-kinds';
import { openSafetensors } from '../../src/hub/safetensors-reader';
import { saveCheckpoint } from '../../src/training/checkpoint';
import { cleanOutputFolder, listCheckpoints } from '../../src/training/checkpoint-folders';
import { exactJson } from '../../src/training/exact-json';
import { restoreNamedTensors, writeNamedTensors } from '../../src/training/named-tensors';
import { findCheckpoint } from '../../src/training/resume';
import { withFaultAt } from '../support/faulty-files';
import { assertHolds, smallParts } from '../support/small-checkpoint';
import { inTemporaryFolder } from '../support/temporary';

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const steps = async (folder: string) => (await listCheckpoints(folder)).map(({ step }) => step);

describe('saveCheckpoint', () => {
  it('writes every part, and a manifest of the sizes and hashes that the files have', () =>
    inTemporaryFolder(async (out) => {
      const path = await saveCheckpoint(out, 10, smallParts(10));
      assert.equal(path, join(out, 'checkpoint-10'));
      await assertHolds(path, 10);
      const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'));
      assert.equal(manifest.step, 10);
      const files = readdirSync(path).filter((name) => name !== 'manifest.json');
      assert.deepEqual(Object.keys(manifest.files), files.sort());
      for (const name of files) {
        const { size, sha256: hash } = manifest.files[name];
        assert.deepEqual(
          [size, hash],
          [readFileSync(join(path, name)).length, sha256(join(path, name))],
        );
      }
      assert.deepEqual(readdirSync(out), ['checkpoint-10']);
    }));

  it('reads no file again whose hash is known from writing', () =>
    inTemporaryFolder(async (out) => {
      const told = 'ab'.repeat(32); // not its hash: only the writer can have said so
      const write = async (path: string) => {
        writeFileSync(path, 'weights');
        return { [path]: told };
      };
      const path = await saveCheckpoint(out, 1, {
        ...smallParts(1),
        weights: [{ path: 'w', write }],
      });
      const { files } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'));
      assert.equal(files.w.sha256, told);
    }));

  it('hashes a diffusers folder while it is written, and it loads again', () =>
    inTemporaryFolder(async (out) => {
      const source = join(__dirname, '../fixtures/pipelines/tiny-sd/unet');
      const unet = await loadModel(source, UNET);
      let digests = {};
      const write = async (path: string) => {
        digests = await saveModel(unet, path, UNET, { checksum: 'none' });
        return digests;
      };
      const parts = { ...smallParts(1), weights: [{ path: 'unet', write }] };
      const path = await saveCheckpoint(out, 1, parts);
      assert.deepEqual(Object.values(digests), [
        sha256(join(path, 'unet', 'diffusion_pytorch_model.safetensors')),
      ]);
      assert.deepEqual((await findCheckpoint(out, 'latest'))?.passedOver, []);
      const again = await loadModel(join(path, 'unet'), UNET);
      for (const name of unet.parameters.names)
        assert.deepEqual(again.parameters.read(name), unet.parameters.read(name), name);
      unet.parameters.dispose();
      again.parameters.dispose();
    }));

  it('keeps tokens out of the files, and hashes options whatever their order', () =>
    inTemporaryFolder(async (out) => {
      const a = await saveCheckpoint(out, 1, {
        ...smallParts(1),
        config: { seed: 7, hubToken: 'hf_x', lr: 1 },
      });
      const b = await saveCheckpoint(out, 2, { ...smallParts(2), config: { lr: 1, seed: 7 } });
      assert.ok(!readFileSync(join(a, 'config.json'), 'utf8').includes('hf_x'));
      const hash = (path: string) =>
        JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')).config_sha256;
      assert.equal(hash(a), hash(b));
    }));

  it('keeps as many as totalLimit says, the newest and the one just written', () =>
    inTemporaryFolder(async (out) => {
      for (const step of [5, 10, 20, 100]) await saveCheckpoint(out, step, smallParts(step));
      mkdirSync(join(out, 'checkpoint-best')); // not ours
      await saveCheckpoint(out, 30, smallParts(30), { totalLimit: 3 });
      assert.deepEqual(await steps(out), [100, 30, 20]);
      await saveCheckpoint(out, 15, smallParts(15), { totalLimit: 1 });
      assert.deepEqual(await steps(out), [15]);
      assert.deepEqual(readdirSync(out).sort(), ['checkpoint-15', 'checkpoint-best']);
      await assert.rejects(
        saveCheckpoint(out, 16, smallParts(16), { totalLimit: 0 }),
        /checkpoints_total_limit must be 1 or more; got 0/,
      );
    }));

  it('replaces a checkpoint of the same step', () =>
    inTemporaryFolder(async (out) => {
      await saveCheckpoint(out, 5, smallParts(4));
      await saveCheckpoint(out, 5, smallParts(5));
      await assertHolds(join(out, 'checkpoint-5'), 5);
      assert.deepEqual(readdirSync(out), ['checkpoint-5']);
    }));

  it('names the file that did not fit, and leaves the earlier checkpoint and nothing else', () =>
    inTemporaryFolder(async (out) => {
      await saveCheckpoint(out, 1, smallParts(1));
      const { operations } = await withFaultAt(Number.POSITIVE_INFINITY, 'killed', () =>
        saveCheckpoint(out, 2, smallParts(2)).then(() => undefined),
      );
      assert.ok(operations > 40, `${operations} operations`);
      for (let at = 0; at < operations; at++) {
        const { outcome } = await withFaultAt(at, 'disk full', () =>
          saveCheckpoint(out, 3, smallParts(3)),
        );
        if (!(outcome instanceof Error)) continue; // sync of the output folder after the rename
        assert.match(outcome.message, /no space left/, `operation ${at}`);
        if (existsSync(join(out, 'checkpoint-3'))) continue;
        assert.ok(outcome.message.startsWith(join(out, 'checkpoint-3')), outcome.message);
        assert.doesNotMatch(outcome.message, /incomplete|checkpoint-3.*checkpoint-3/);
        assert.match(outcome.message, /checkpoint-2 is still there\.$/);
        assert.deepEqual(
          readdirSync(out).sort(),
          ['checkpoint-1', 'checkpoint-2'],
          `operation ${at}`,
        );
      }
      await assertHolds(join(out, 'checkpoint-2'), 2);
    }));

  it('names the weights when it is they that do not fit', () =>
    inTemporaryFolder(async (out) => {
      const write = () => Promise.reject(new Error('ENOSPC: no space left on device, write'));
      const parts = { ...smallParts(1), weights: [{ path: 'unet', write }] };
      await assert.rejects(saveCheckpoint(out, 1, parts), (error: Error) => {
        const unet = join(out, 'checkpoint-1', 'unet');
        assert.equal(
          error.message,
          `${unet} could not be written (ENOSPC: no space left on device, write); there is no checkpoint yet.`,
        );
        return true;
      });
      assert.deepEqual(readdirSync(out), []);
    }));
});

describe('a process killed while it saves', () => {
  /** Kills at every file operation of `save`, starting from what `prepare` left, and looks at what the next start finds. */
  async function killEverywhere(
    prepare: (out: string) => Promise<unknown>,
    save: (out: string) => Promise<unknown>,
    look: (out: string) => Promise<void>,
  ): Promise<number> {
    for (let at = 0; ; at++) {
      const ended = await inTemporaryFolder(async (out) => {
        await withFaultAt(Number.POSITIVE_INFINITY, 'killed', () => prepare(out));
        const { outcome } = await withFaultAt(at, 'killed', () => save(out));
        if (outcome === 'ended') return true;
        assert.equal(outcome, 'killed');
        await withFaultAt(Number.POSITIVE_INFINITY, 'killed', () => cleanOutputFolder(out));
        assert.deepEqual(
          readdirSync(out).filter((name) => name.startsWith('.')),
          [],
        );
        await look(out);
        return false;
      });
      if (ended) return at;
    }
  }

  it('loses no whole checkpoint and leaves no torn one, at whatever operation', async () => {
    const operations = await killEverywhere(
      (out) => saveCheckpoint(out, 1, smallParts(1)),
      (out) => saveCheckpoint(out, 2, smallParts(2), { totalLimit: 1 }),
      async (out) => {
        const found = await findCheckpoint(out, 'latest');
        assert.ok(found && (found.step === 1 || found.step === 2));
        assert.deepEqual(found.passedOver, []);
        await assertHolds(found.path, found.step);
      },
    );
    assert.ok(operations > 40, `${operations} operations`);
  });

  it('finds the old or the new one when it was killed between the renames that replace it', async () => {
    let between = 0;
    await killEverywhere(
      (out) => saveCheckpoint(out, 2, smallParts(8)),
      (out) => saveCheckpoint(out, 2, smallParts(9)),
      async (out) => {
        const found = await findCheckpoint(out, 'latest');
        assert.ok(found, 'the only checkpoint is lost');
        const { globalStep } = JSON.parse(
          readFileSync(join(found.path, 'training_state.json'), 'utf8'),
        );
        if (globalStep === 9) between++;
        await assertHolds(found.path, globalStep);
      },
    );
    assert.ok(between > 0, 'no kill came after the new one was whole');
  });
});

describe('exactJson', () => {
  it('refuses what JSON would change, naming it', () => {
    for (const [value, told] of [
      [Number.NaN, 'NaN'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      [-0, '0'],
      [7n, '7'],
      [Int32Array.of(1), '1'],
    ] as const)
      assert.throws(
        () => exactJson({ torch: { list: [1, value] } }),
        new RangeError(`JSON cannot hold "torch.list.1" exactly: ${told}.`),
      );
    assert.equal(exactJson({ a: undefined, b: [0.1 + 0.2] }), '{"b":[0.30000000000000004]}\n');
  });
});

describe('restoreNamedTensors', () => {
  it('brings arrays back bit for bit, and refuses other names or shapes before it writes one', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'optimizer.safetensors');
      const data = Float32Array.of(-0, Number.NaN, 1e-45, 3.4e38);
      await writeNamedTensors(path, [
        { name: 'a', shape: [2, 2], data },
        { name: 'b', shape: [], data: () => Float32Array.of(5) },
      ]);
      const file = await openSafetensors(path);
      const got: Record<string, Float32Array> = {};
      const target = (name: string, shape: number[]) => ({
        name,
        shape,
        write: (values: Float32Array) => {
          got[name] = values;
        },
      });
      try {
        await assert.rejects(
          restoreNamedTensors(file, [target('a', [4]), target('c', [])]),
          /"a" is F32 \[2,2\], expected F32 \[4\]; "c" is missing; "b" is not expected\.$/,
        );
        assert.deepEqual(got, {});
        await restoreNamedTensors(file, [target('b', []), target('a', [2, 2])]);
        assert.deepEqual(
          new Uint8Array(got.a?.buffer ?? new ArrayBuffer(0)),
          new Uint8Array(data.buffer),
        );
        assert.equal(got.b?.[0], 5);
      } finally {
        await file.close();
      }
    }));
});
