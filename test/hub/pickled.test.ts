import assert from 'node:assert/strict';
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError, disposePipeline, loadPipeline } from '../../src/hub';
import { openPickled } from '../../src/hub/pickle/read';
import { openWeightFiles } from '../../src/hub/weight-files';
import { TorchGenerator } from '../../src/random';
import { fixturePath } from '../support/fixtures';
import { describedTensors } from '../support/single-file';
import { inTemporaryFolder } from '../support/temporary';
import { dictionaryOf, op, tensorCode, torchFile, tupleOf, zipOf } from '../support/torch-file';

const file = (name: string) => fixturePath('pickled', name);

describe('openPickled', () => {
  for (const [pickled, same] of [
    ['plain.bin', 'plain.safetensors'],
    ['nested.ckpt', 'nested.safetensors'],
  ] as const)
    it(`reads what torch.save wrote: ${pickled}`, async () => {
      assert.deepEqual(await describedTensors(file(pickled)), await describedTensors(file(same)));
    });

  it('reads a piece of a tensor from its middle, transposed or not', async () => {
    const tensors = await openPickled(file('nested.ckpt'));
    const floats = async (name: string) => {
      const bytes = new Uint8Array(12);
      await tensors.readBytes(name, bytes, 8);
      return [...new Float32Array(bytes.buffer)];
    };
    assert.deepEqual(await floats('first'), [6, 7, 8]);
    assert.deepEqual(await floats('transposed'), [12, 18, 1]);
    await tensors.close();
  });

  it('is what a folder without safetensors is read with', () =>
    inTemporaryFolder(async (folder) => {
      copyFileSync(file('plain.bin'), join(folder, 'pytorch_model.bin'));
      const text = await openWeightFiles(folder, 'model');
      assert.equal(text.weights.size, 10);
      await text.close();
      await assert.rejects(openWeightFiles(folder, 'diffusion_pytorch_model'), /no such file/);
      copyFileSync(file('plain.safetensors'), join(folder, 'model.safetensors'));
      const preferred = await openWeightFiles(folder, 'model');
      assert.match(preferred.path, /model\.safetensors$/);
      await preferred.close();
    }));

  it('follows an index of pickles, and none that leaves the folder', () =>
    inTemporaryFolder(async (folder) => {
      const index = (name: string) =>
        writeFileSync(
          join(folder, 'pytorch_model.bin.index.json'),
          JSON.stringify({ weight_map: { a: name } }),
        );
      copyFileSync(file('plain.bin'), join(folder, 'part.bin'));
      index('part.bin');
      const files = await openWeightFiles(folder, 'model');
      assert.equal(files.weights.size, 10);
      await files.close();
      for (const name of ['../part.bin', 'part.safetensors', '/etc/x.bin']) {
        index(name);
        await assert.rejects(openWeightFiles(folder, 'model'), /is no plain name of a bin file/);
      }
    }));

  for (const [name, reason] of [
    ['refused-device.pt', /asks for "torch\.device"/],
    ['refused-module.pt', /asks for "torch\.nn\.modules\.linear\.Linear"/],
    ['refused-old.pt', /it is no zip archive/],
  ] as const)
    it(`refuses by name what is no tensor: ${name}`, () =>
      assert.rejects(openPickled(file(name)), reason));
});

describe('a pickle that cannot be trusted', () => {
  function refuses(fault: string, reason: RegExp, bytes: Buffer) {
    it(`is refused: ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        const path = join(folder, 'x.bin');
        writeFileSync(path, bytes);
        await assert.rejects(openPickled(path), (error: Error) => {
          assert.ok(error instanceof CheckpointError, String(error));
          assert.match(error.message, reason);
          return true;
        });
      }));
  }
  const tensor = (fields: Parameters<typeof tensorCode>[0]) =>
    torchFile(dictionaryOf(tensorCode(fields)));
  const calls = (module: string, name: string) =>
    torchFile(
      dictionaryOf(Buffer.concat([op.global(module, name), tupleOf(op.text('id')), op.reduce])),
    );

  for (const [module, name] of [
    ['os', 'system'],
    ['builtins', 'eval'],
    ['posix', 'system'],
    ['torch', 'load'],
    ['torch', 'constructor'],
    ['__proto__', 'x'],
  ] as const)
    refuses(
      `${module}.${name}`,
      new RegExp(`asks for "${module}\\.${name}".*not run`),
      calls(module, name),
    );

  refuses('a storage of fewer bytes', /24 bytes, which are not 7 of F32/, tensor({ claimed: 7 }));
  refuses(
    'a storage of another type',
    /24 bytes, which are not 6 of F64/,
    tensor({ type: 'DoubleStorage' }),
  );
  refuses('a storage that is not there', /has no storage "\.\.\/x"/, tensor({ key: '../x' }));
  refuses('an offset beyond the storage', /does not fit/, tensor({ offset: 1 }));
  refuses('a negative offset', /not made of/, tensor({ offset: -1 }));
  refuses('a negative stride', /not made of/, tensor({ strides: [-3, 1] }));
  refuses('a stride beyond the storage', /does not fit/, tensor({ strides: [4, 1] }));
  refuses(
    'more elements than the storage, by a stride of 0',
    /does not fit/,
    tensor({ shape: [1e9, 3], strides: [0, 1] }),
  );
  refuses(
    'sides whose product has no exact number',
    /does not fit/,
    tensor({ shape: [2 ** 50, 2 ** 50], strides: [0, 0] }),
  );
  refuses('fewer strides than sides', /2 sides and 1 strides/, tensor({ strides: [1] }));
  refuses(
    'a state for no dictionary',
    /no dictionary/,
    torchFile(dictionaryOf(Buffer.concat([op.integer(1), op.dict, op.build]))),
  );
  refuses(
    'items of no dictionary',
    /sets items of no dictionary/,
    torchFile(
      Buffer.concat([
        op.proto,
        op.integer(1),
        op.mark,
        op.text('a'),
        op.integer(1),
        op.setItems,
        op.stop,
      ]),
    ),
  );
  refuses(
    'an end too soon',
    /ends too soon/,
    torchFile(dictionaryOf(tensorCode()).subarray(0, -1)),
  );
  refuses(
    'a text longer than the pickle',
    /ends too soon/,
    torchFile(Buffer.from([0x80, 2, 0x58, 0xff, 0xff, 0xff, 0xff, 0x2e])),
  );
  refuses('another protocol', /its protocol is 4/, torchFile(Buffer.from([0x80, 4, 0x2e])));
  refuses('an opcode of none', /opcode 0x69/, torchFile(Buffer.from([0x80, 2, 0x69, 0x2e])));

  const pickle = { name: 'a/data.pkl', bytes: dictionaryOf(tensorCode()) };
  const storage = { name: 'a/data/0', bytes: Buffer.alloc(24) };
  refuses('a compressed entry', /is compressed/, zipOf([pickle, { ...storage, method: 8 }]));
  refuses(
    'an entry that claims to unpack to more',
    /is compressed/,
    zipOf([pickle, { ...storage, plain: 1 << 30 }]),
  );
  refuses(
    'entries that overlap',
    /entries of its zip archive overlap/,
    zipOf([pickle, { ...storage, local: 0 }]),
  );
  refuses('an entry twice', /"a\/data\/0" twice/, zipOf([pickle, storage, storage]));
  refuses(
    'an entry beyond the end',
    /points beyond its end/,
    zipOf([pickle, { ...storage, local: 1 << 30 }]),
  );
  refuses('no pickle', /no archive of torch\.save/, zipOf([storage]));
  refuses(
    'two pickles',
    /no archive of torch\.save/,
    zipOf([pickle, storage, { ...pickle, name: 'b/data.pkl' }]),
  );
  refuses(
    'a big-endian machine',
    /big-endian/,
    zipOf([pickle, storage, { name: 'a/byteorder', bytes: Buffer.from('big') }]),
  );

  it('never ends the process or hangs, whichever byte is wrong', () =>
    inTemporaryFolder(async (folder) => {
      const good = torchFile(dictionaryOf(tensorCode()));
      const generator = new TorchGenerator(5);
      const path = join(folder, 'x.bin');
      for (let i = 0; i < 400; i++) {
        const bytes = Buffer.from(good);
        const [places, values] = [generator.rand(2), generator.rand(2)];
        places.forEach((at, k) => {
          bytes[Math.floor(at * bytes.length)] = Math.floor((values[k] ?? 0) * 256);
        });
        writeFileSync(path, bytes);
        const opened = await openPickled(path).catch((error: unknown) => error);
        if (opened instanceof Error)
          assert.ok(opened instanceof CheckpointError, String(opened.stack));
        else await (opened as Awaited<ReturnType<typeof openPickled>>).close();
      }
    }));
});

describe('loadPipeline, of a folder with pickled weights', () => {
  it('needs a dictionary of the model’s own weights', () =>
    inTemporaryFolder(async (folder) => {
      const dir = join(folder, 'model');
      cpSync(fixturePath('families', 'sd2'), dir, { recursive: true });
      rmSync(join(dir, 'vae', 'diffusion_pytorch_model.safetensors'));
      copyFileSync(file('plain.bin'), join(dir, 'vae', 'diffusion_pytorch_model.bin'));
      const reason =
        /diffusion_pytorch_model\.bin.*"encoder\.conv_in\.weight" is missing.*"0\.weight" is not part of the model/;
      await assert.rejects(loadPipeline(dir).then(disposePipeline), reason);
    }));
});
