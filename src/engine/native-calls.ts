/** Calls of our own operations: past TensorFlow's dispatch, which costs more than many of them compute. */
import type { Attribute, Output } from './backend';

/** What our own native addon exports (kernels/tensorflow/addon.cc). */
export interface NativeKernels {
  readonly isa: string;
  threads(): number;
  setThreads(n: number): void;
  /** Names of its operations. */
  readonly operations: readonly string[];
  /** Lets its operations reach the tensors of tfjs's addon; returns the frame in which calls are written. */
  connect(handles: object): Float64Array;
  /** Runs one of its operations, which has so many inputs and outputs. */
  run(operation: number, inputs: number, outputs: number): void;
}

/** Where a call's attributes lie in the frame (operations.h); what is not given is NaN. The inputs' ids follow. */
const SLOTS: Readonly<Record<string, number>> = {
  groups: 0,
  heads: 1,
  offset: 2,
  stride: 3,
  epsilon: 4,
  silu: 5,
  causal: 6,
  same: 7,
  T: 8,
};
const FIRST_INPUT = 9;

/** The type of a weight is its own, whatever the call says. */
const TOLD_BY_INPUTS = 'W';

/** A function that runs an operation if it is one of ours, and else returns nothing. */
export function nativeCalls(native: NativeKernels, handles: object) {
  const frame = native.connect(handles);
  const numbers = new Map(native.operations.map((name, i) => [name, i]));

  const readOutputs = (outputs: number): Output[] => {
    const results: Output[] = [];
    let at = 0;
    const next = () => frame[at++] as number;
    for (let i = 0; i < outputs; i++) {
      const [id, dtype, rank] = [next(), next(), next()];
      results.push({ id, dtype, shape: Array.from({ length: rank }, next) });
    }
    return results;
  };

  return (
    name: string,
    attributes: Readonly<Record<string, Attribute>>,
    inputs: readonly number[],
    outputs: number,
  ): Output[] | undefined => {
    const operation = numbers.get(name);
    if (operation === undefined) return undefined;
    frame.fill(Number.NaN, 0, FIRST_INPUT);
    for (const key in attributes) {
      const slot = SLOTS[key];
      if (slot !== undefined) frame[slot] = Number(attributes[key]?.value);
      else if (key !== TOLD_BY_INPUTS) throw new TypeError(`${name} has no attribute ${key}.`);
    }
    frame.set(inputs, FIRST_INPUT);
    native.run(operation, inputs.length, outputs);
    return readOutputs(outputs);
  };
}
