import { type Attribute, type Device, type Output, withDevice } from './backend';
import { type Abstract, resultsOf } from './dry-shapes';
import { dtypeNumbers, sizeOf } from './dtype';
import { withOwnConstants } from './ops/call';

/** One kind of call: the same operation on the same shapes. */
export interface PlannedCall {
  readonly name: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly inputs: readonly Abstract[];
  readonly outputs: number;
  /** How often it is made. */
  times: number;
}

/** What a piece of work would need. */
export interface DryRun<T> {
  readonly value: T;
  /** Bytes of all tensors together at the worst moment. */
  readonly peakBytes: number;
  readonly calls: readonly PlannedCall[];
}

/** Memory that several handles may share. */
interface Memory {
  readonly bytes: number;
  handles: number;
}

interface Held extends Abstract {
  readonly memory: Memory;
}

const bytesOf = (dtype: number) =>
  ({ [dtypeNumbers.bool]: 1, [dtypeNumbers.bfloat16]: 2 })[dtype] ?? 4;

/** Keeps shapes for tensors and counts their bytes. */
class Account implements Device {
  peakBytes = 0;
  readonly calls = new Map<string, PlannedCall>();
  private readonly held = new Map<number, Held>();
  private bytes = 0;
  private next = 1;

  private add({ shape, dtype, data }: Abstract, shared?: Memory): Output {
    const memory = shared ?? { bytes: sizeOf(shape) * bytesOf(dtype), handles: 0 };
    if (memory.handles++ === 0) this.bytes += memory.bytes;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    const id = this.next++;
    this.held.set(id, { shape, dtype, data, memory });
    return { id, shape, dtype };
  }

  private get(id: number): Held {
    const held = this.held.get(id);
    if (!held) throw new Error('A run without numbers uses a tensor that was made outside of it.');
    return held;
  }

  createHandle(shape: readonly number[], dtype: number, data: unknown): number {
    const numbers = data as ArrayLike<number>;
    const kept = numbers.length <= 64 ? { data: Array.from(numbers) } : {};
    return this.add({ shape, dtype, ...kept }).id;
  }

  deleteHandle(id: number): void {
    const { memory } = this.get(id);
    this.held.delete(id);
    if (--memory.handles === 0) this.bytes -= memory.bytes;
  }

  readHandle = (id: number) => new Float32Array(sizeOf(this.get(id).shape));

  execute(name: string, attributes: PlannedCall['attributes'], ids: readonly number[]): Output[] {
    const inputs = ids.map((id) => this.get(id));
    const results = resultsOf(name, inputs, attributes);
    this.count({ name, attributes, inputs, outputs: results.length, times: 1 });
    const type = Number(attributes.T?.value ?? dtypeNumbers.float32);
    return results.map(({ shape, dtype = type, alias }) =>
      this.add({ shape, dtype }, alias === undefined ? undefined : inputs[alias]?.memory),
    );
  }

  private count(call: PlannedCall): void {
    const shapes = call.inputs.map(({ shape, dtype }) => [dtype, ...shape]);
    const key = JSON.stringify([call.name, shapes, call.attributes]);
    const known = this.calls.get(key);
    if (known) known.times++;
    else this.calls.set(key, call);
  }
}

/**
 * Runs `fn` without numbers, at once whatever its size: every operation is noted and gives tensors that have nothing
 * but a shape; what is read from them is zeros. `fn` frees what it makes, and uses no tensor from outside.
 */
export function dryRun<T>(fn: () => T): DryRun<T> {
  const account = new Account();
  const value = withDevice(account, () => withOwnConstants(fn));
  return { value, peakBytes: account.peakBytes, calls: [...account.calls.values()] };
}
