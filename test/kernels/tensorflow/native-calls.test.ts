import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { heldHandles, kernelsPath, tfjsBackend } from '../../../src/engine/backend';
import type { NativeKernels } from '../../../src/engine/native-calls';
import { BFLOAT16, bfloats, FLOAT, floats, free, ints, none, read, runOp } from './raw-ops';

/** Throws by `call` with a message like `why`, after which no tensor is left. */
function refuses(call: () => unknown, why: RegExp): void {
  const before = heldHandles();
  assert.throws(call, why);
  assert.equal(heldHandles(), before, 'a refusal leaves nothing');
}

describe('calls of native operations', () => {
  const [x, y, half, whole, absent] = [
    floats([1, 2, 3]),
    floats([10, 20, 30]),
    bfloats([1, 2, 3]),
    ints([1, 2, 3]),
    none(),
  ];
  after(() => free(x, y, half, whole, absent));

  it('return what the operation made, under a handle of its own', () => {
    const before = heldHandles();
    const [sum] = runOp('DpoAdd', [x, y], 1);
    assert.deepEqual(sum && { shape: sum.shape, dtype: sum.dtype }, { shape: [3], dtype: FLOAT });
    assert.equal(heldHandles(), before + 1);
    assert.deepEqual([...read(sum?.id ?? -1)], [11, 22, 33]);
    free(sum?.id ?? -1);
    const [norm] = runOp('DpoSquaredNorm', [x], 1);
    assert.deepEqual([norm?.shape, ...read(norm?.id ?? -1)], [[], 14]);
    free(norm?.id ?? -1);
  });

  it('take the type from the inputs, and from the call where no input tells it', () => {
    const [sum] = runOp('DpoAdd', [half, half], 1);
    assert.equal(sum?.dtype, BFLOAT16);
    const one = ints([1]);
    const [buffer] = runOp('DpoBuffer', [one], 1, { T: BFLOAT16 });
    assert.deepEqual([buffer?.dtype, buffer?.shape], [BFLOAT16, [16]]);
    free(sum?.id ?? -1, buffer?.id ?? -1, one);
  });

  it('share memory where the operation says so', () => {
    const [own] = runOp('DpoAdd', [x, x], 1);
    const id = own?.id ?? -1;
    const [shared] = runOp('DpoBiasResidual', [id, y, absent], 1);
    assert.deepEqual([...read(id)], [12, 24, 36]);
    free(id);
    assert.deepEqual([...read(shared?.id ?? -1)], [12, 24, 36]);
    free(shared?.id ?? -1);
  });

  it('refuse other numbers of inputs and outputs', () => {
    refuses(() => runOp('DpoAdd', [x], 1), /DpoAdd: another number of inputs was given/);
    refuses(() => runOp('DpoAdd', [x, y, y], 1), /DpoAdd: another number of inputs was given/);
    refuses(() => runOp('DpoAdd', [x, y], 2), /DpoAdd: another number of outputs was asked for/);
    const many = Array.from({ length: 9 }, () => x);
    refuses(() => runOp('DpoAdd', many, 1), /DpoAdd: too many inputs/);
    refuses(
      () =>
        runOp(
          'DpoAdd',
          Array.from({ length: 99 }, () => x),
          1,
        ),
      /out of bounds/,
    );
  });

  it('refuse inputs of other types, and a type that they do not have', () => {
    refuses(() => runOp('DpoAdd', [x, half], 1), /DpoAdd: input 1 has the wrong type/);
    refuses(() => runOp('DpoAdd', [whole, whole], 1), /DpoAdd: it does not compute in this type/);
    refuses(() => runOp('DpoSquaredNorm', [half], 1), /DpoSquaredNorm: it does not compute/);
    refuses(() => runOp('DpoBuffer', [x], 1), /DpoBuffer: input 0 has the wrong type/);
    refuses(
      () => runOp('DpoAdd', [x, y], 1, { T: BFLOAT16 }),
      /DpoAdd: its inputs are not of the type T/,
    );
  });

  it('refuse attributes that the operation does not have, and to go without one that it needs', () => {
    refuses(() => runOp('DpoAdd', [x, y], 1, { heads: 2 }), /DpoAdd: it has no attribute heads/);
    refuses(() => runOp('DpoAdd', [x, y], 1, { depth: 2 }), /DpoAdd has no attribute depth/);
    refuses(
      () => runOp('DpoAttention', [x, x, x], 2),
      /DpoAttention: it needs the attribute heads/,
    );
  });

  it('refuse handles that are not there', () => {
    refuses(
      () => runOp('DpoAdd', [x, 2 ** 40], 1),
      /DpoAdd: there is no tensor of id 1099511627776/,
    );
    refuses(() => runOp('DpoAdd', [x, Number.NaN], 1), /DpoAdd: there is no tensor of id/);
  });

  it('go on when the engine is loaded a second time', () => {
    const { connect } = require(kernelsPath) as NativeKernels;
    const frames = [1, 2].map(() => connect(tfjsBackend.binding.dpoHandles));
    assert.equal(frames[0], frames[1]);
    const [sum] = runOp('DpoAdd', [x, y], 1);
    assert.deepEqual([...read(sum?.id ?? -1)], [11, 22, 33]);
    free(sum?.id ?? -1);
  });

  it('need the tensors of a tfjs addon', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      const native = require(${JSON.stringify(kernelsPath)});
      const say = (call) => { try { call(); } catch (error) { parentPort.postMessage(error.message); } };
      say(() => native.run(0, 1, 1));
      say(() => native.connect({}));
      say(() => native.run(0, 1, 1));`;
    const messages: string[] = [];
    const worker = new Worker(code, { eval: true });
    worker.on('message', (message: string) => messages.push(message));
    await new Promise((ended) => worker.once('exit', ended));
    assert.match(messages[0] ?? '', /connect must be called before run/);
    assert.match(messages[1] ?? '', /connect expects the export dpoHandles/);
    assert.match(messages[2] ?? '', /connect must be called before run/);
  });
});
