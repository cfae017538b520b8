/** Calls of our own operations: past TensorFlow's dispatch, which costs more than many of them compute. */
import type { Attribute, Output } from './backend';

/** What our own native addon exports (kernels/tensorflow/addon.cc). */
export interface NativeKernels {
  readonly isa: string;
  threads(): number;
  setThreads(n: number): void;
  /** Names of its operations. */
  readonly operations: readonly string[];
  /** Names of their attributes, in the order in which a call's lie in the frame. */
  readonly attributes: readonly string[];
  /** Lets its operations reach the tensors of tfjs's addon; returns the frame in which calls are written. */
  connect(handles: object): Float64Array;
  /** Runs one of its operations, which has so many inputs and outputs. */
  run(operation: number, inputs: number, outputs: number): void;
}

/** The type of a weight is its own, whatever the call says. */
const TOLD_BY_INPUTS = 'W';

/** A function that runs an operation if it is one of ours, and else returns nothing. */
export function nativeCalls(native: NativeKernels, handles: object) {
  const frame = native.connect(handles);
  const numbers = new Map(native.operations.map((name, i) => [name, i]));
  const slots = new Map(native.attributes.map((name, i) => [name, i]));
  const firstInput = slots.size; // the inputs' ids follow the attributes

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
    frame.fill(Number.NaN, 0, firstInput); // what is not given
    for (const key in attributes) {
      const slot = slots.get(key);
      if (slot !== undefined) frame[slot] = Number(attributes[key]?.value);
      else if (key !== TOLD_BY_INPUTS) throw new TypeError(`${name} has no attribute ${key}.`);
    }
    frame.set(inputs, firstInput);
    native.run(operation, inputs.length, outputs);
    return readOutputs(outputs);
  };
}
