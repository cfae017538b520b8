/**
 * Makes and frees tensors, OPERATIONS operations long, and prints as JSON what is left of them (`Account`).
 * Run as: node --expose-gc --import tsx test/torture/churn.ts OPERATIONS [BYTES]
 */
import { fromTf, tensor, tidy } from '../../src/engine';
import { createHandle, heldHandles, tfjsBackend, withObserver } from '../../src/engine/backend';

/** What a run of operations left behind. */
export interface Account {
  /** TensorFlow operations executed, tfjs's included. */
  readonly operations: number;
  /** Handles in the addon that were not there before. */
  readonly handles: number;
  /** Growth of the process's resident memory, in bytes. */
  readonly bytes: number;
  /** Ids of a handle made before and of one made after. */
  readonly firstId: number;
  readonly lastId: number;
  /** Results that were not what they should be, and old tensors that had changed. */
  readonly wrong: number;
}

interface Tfjs {
  readonly tidy: (fn: () => void) => void;
  readonly tensor1d: (data: Float32Array) => TfjsTensor;
}
interface TfjsTensor {
  add(other: TfjsTensor): TfjsTensor;
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}
const tf: Tfjs = require('@tensorflow/tfjs-node-gpu');

/** One turn: nine operations of the engine, two of them native, and one of tfjs. Returns the count of wrong values. */
function turn(data: Float32Array, round: number): number {
  let wrong = 0;
  tidy(() => {
    const x = tensor(data, [data.length]);
    const y = x.add(round).mul(2).cast('bfloat16').cast('float32');
    const shares = y.add(y).neg().reshape([1, -1]).slice([0, 0], [1, 1]);
    if (shares.item() !== -4 * round - 4) wrong++; // exact: round < 128 fits bfloat16
  });
  tf.tidy(() => {
    const sum = fromTf(tf.tensor1d(data).add(tf.tensor1d(data)) as never);
    if (sum.floats()[0] !== 2) wrong++;
    sum.dispose();
  });
  return wrong;
}

const perTurn = 10;

/** Resident bytes after a full collection. */
function resident(): number {
  for (let i = 0; i < 3; i++) global.gc?.();
  return process.memoryUsage.rss();
}

/** A fresh handle's id; the handle is freed. */
function nextId(): number {
  const id = createHandle([1], 1, Float32Array.of(0));
  tfjsBackend.binding.deleteTensor(id);
  return id;
}

function churn(operations: number, bytes: number): Account {
  const data = new Float32Array(bytes / 4).fill(1);
  const kept = Array.from({ length: 8 }, (_, i) => tensor([i, i + 0.5], [2]));
  for (let i = 0; i < 500; i++) turn(data, i % 128); // TensorFlow's own caches and pools fill first
  const before = { handles: heldHandles(), bytes: resident(), id: nextId() };
  let wrong = 0;
  const turns = Math.ceil(operations / perTurn);
  for (let i = 0; i < turns; i++) wrong += turn(data, i % 128);
  const account = {
    operations: turns * perTurn,
    handles: heldHandles() - before.handles,
    bytes: resident() - before.bytes,
    firstId: before.id,
    lastId: nextId(),
  };
  kept.forEach((t, i) => {
    if (t.floats().join() !== [i, i + 0.5].join()) wrong++;
    t.dispose();
  });
  return { ...account, wrong };
}

/** Counts the operations of one turn, so that the figure told is a true one. */
function countedPerTurn(): number {
  let count = 0;
  withObserver(
    () => count++,
    () => turn(Float32Array.of(1), 1),
  );
  return count + 1; // tfjs's own addition is not seen by the engine's observer
}

if (countedPerTurn() !== perTurn)
  throw new Error(`A turn has ${countedPerTurn()} operations, not ${perTurn}.`);
const [operations = '100000', bytes = '256'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(churn(Number(operations), Number(bytes)))}\n`);
