import { createHandle, deleteHandle, type Output, readHandle } from './backend';
import { bytesOf, type DType, dtypeNumbers, dtypeOf, sizeOf } from './dtype';
import { bfloat16ToFloat32, float32ToBfloat16 } from './half';

/** Tensors made since the innermost `tidy` began; undefined outside any scope. */
let scope: Tensor[] | undefined;
let live = 0;

/** Number of live handles, the engine's own constants included. */
export const handleCount = () => live;

/** What tensors over the same memory have in common: a reshaped tensor shares that of the one it comes from. */
interface Memory {
  readonly bytes: number;
  holders: number;
}

let liveBytes = 0;
let mostBytes = 0;

function newMemory(bytes: number): Memory {
  liveBytes += bytes;
  mostBytes = Math.max(mostBytes, liveBytes);
  return { bytes, holders: 0 };
}

/** Bytes of all live tensors, those that share memory counted once. */
export const tensorBytes = () => liveBytes;

/** Starts an account; the function returned tells the most bytes of live tensors since. */
export function watchTensorBytes(): () => number {
  const outer = mostBytes;
  mostBytes = liveBytes;
  return () => {
    const most = mostBytes;
    mostBytes = Math.max(outer, most);
    return most;
  };
}

/** Where the gradient of a trainable weight goes: the flat gradient buffer it is a view of. */
export interface GradientSink {
  accumulate(gradient: Tensor): void;
  /** View into the flat buffer where fused kernels may add directly. */
  readonly view: Tensor | undefined;
}

/**
 * An n-dimensional array held by TensorFlow, addressed by a handle of the addon.
 *
 * The scope it is made in frees it, unless it is returned from there (`tidy`, `scoped`); outside
 * any scope the caller owns it and calls `dispose`. The tape holds what a backward pass needs.
 */
export class Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly size: number;
  /** Gradients flow to this tensor: a trainable weight, or computed from one under a tape. */
  requiresGrad = false;
  /** Set on trainable weights only. */
  sink: GradientSink | undefined;
  /** Gradient collected so far by a running backward pass. */
  grad: Tensor | undefined;
  private handle: number;
  private references = 1;
  private owned = true;
  private readonly memory: Memory;

  /** @param base the tensor whose memory the new one shares, where it has none of its own */
  constructor(output: Output, base?: Tensor) {
    this.handle = output.id;
    this.shape = output.shape;
    this.dtype = dtypeOf(output.dtype);
    this.size = sizeOf(output.shape);
    this.memory = base?.memory ?? newMemory(this.size * bytesOf(this.dtype));
    this.memory.holders++;
    live++;
    scope?.push(this);
  }

  /** The addon's handle; throws if the tensor was freed. */
  get id(): number {
    if (this.references === 0)
      throw new Error(`A tensor of shape [${this.shape}] is used after it was disposed.`);
    return this.handle;
  }

  get rank(): number {
    return this.shape.length;
  }

  get isDisposed(): boolean {
    return this.references === 0;
  }

  /** Gives up the owner's reference; the handle is freed when nobody holds one. Idempotent. */
  dispose(): void {
    if (!this.owned) return;
    this.owned = false;
    this.release();
  }

  /** Takes a further reference (the tape's); pairs with `release`. */
  retain(): this {
    if (this.references++ === 0)
      throw new Error(`A tensor of shape [${this.shape}] is kept after it was disposed.`);
    return this;
  }

  release(): void {
    if (--this.references > 0) return;
    deleteHandle(this.handle);
    live--;
    if (--this.memory.holders === 0) liveBytes -= this.memory.bytes;
  }

  /** Exchanges the handle under the same identity: an updated weight where views cannot alias. */
  replaceHandle(output: Output): void {
    deleteHandle(this.id);
    this.handle = output.id;
  }

  /** Copies the values to the host, row-major; bfloat16 as float32, which holds each of its values. */
  dataSync(): Float32Array | Int32Array | Uint8Array {
    const data = readHandle(this.id);
    return data instanceof Uint16Array ? bfloat16ToFloat32(data) : data;
  }

  /** Copies float32 or bfloat16 values to the host; throws for another dtype. */
  floats(): Float32Array {
    const data = this.dataSync();
    if (!(data instanceof Float32Array))
      throw new TypeError(`floats() needs a float32 or bfloat16 tensor, got ${this.dtype}.`);
    return data;
  }

  /** The value of a one-element tensor. */
  item(): number {
    if (this.size !== 1)
      throw new RangeError(`item() needs one element, the tensor has shape [${this.shape}].`);
    return Number(this.dataSync()[0]);
  }
}

type Container = unknown;

function collect(value: Container, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))
    for (const item of Object.values(value)) collect(item, into);
}

/**
 * Runs `fn` and frees every tensor it made, except those in what it returns (a tensor, or arrays
 * and plain objects of them), which pass to the enclosing scope or, outside any, to the caller.
 */
export function tidy<T>(fn: () => T): T {
  const outer = scope;
  const mine: Tensor[] = [];
  scope = mine;
  const returned = new Set<Tensor>();
  try {
    const result = fn();
    if (result instanceof Promise)
      throw new TypeError('A scope frees its tensors when it ends: its function cannot be async.');
    collect(result, returned);
    return result;
  } finally {
    scope = outer;
    for (const t of mine)
      if (returned.has(t)) outer?.push(t);
      else t.dispose();
  }
}

/** Names a tensor function and frees what it allocates, except what it returns. */
export function scoped<F extends (...args: never[]) => unknown>(name: string, fn: F): F {
  const wrapped = (...args: Parameters<F>) => tidy(() => fn(...args));
  Object.defineProperty(wrapped, 'name', { value: name });
  return wrapped as unknown as F; // F itself, so that hovering shows the parameters' names
}

/** fₙ(…f₁(x)), each result freed as soon as the next is there: for maps so large that two are many. `x` stays. */
export function inTurn(x: Tensor, steps: readonly ((x: Tensor) => Tensor)[]): Tensor {
  return steps.reduce((h, step) => {
    const next = step(h);
    if (h !== x && h !== next) h.dispose();
    return next;
  }, x);
}

/** Runs `fn` outside every scope: for constants that the engine keeps for good. */
export function outsideScopes<T>(fn: () => T): T {
  const outer = scope;
  scope = undefined;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}

type Host = Float32Array | Int32Array | Uint8Array | Uint16Array | readonly number[];

/** `data` in the array type of `dtype`; itself where it has that already, for the addon copies it. */
function hostArray(data: Host, dtype: DType) {
  if (dtype === 'int32') return data instanceof Int32Array ? data : Int32Array.from(data);
  if (dtype === 'bool') return data instanceof Uint8Array ? data : Uint8Array.from(data);
  if (dtype === 'bfloat16' && data instanceof Uint16Array) return data;
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  return dtype === 'bfloat16' ? float32ToBfloat16(floats) : floats;
}

/**
 * A tensor with a copy of `data`, row-major. For bfloat16 a `Uint16Array` holds bit patterns, and all else is numbers
 * to be rounded to nearest, ties to even. Throws RangeError if sizes disagree.
 */
export function tensor(data: Host, shape: readonly number[], dtype?: DType): Tensor {
  const type = dtype ?? (data instanceof Int32Array ? 'int32' : 'float32');
  if (sizeOf(shape) !== data.length)
    throw new RangeError(`Shape [${shape}] needs ${sizeOf(shape)} values, got ${data.length}.`);
  const number = dtypeNumbers[type];
  return new Tensor({
    id: createHandle(shape, number, hostArray(data, type)),
    shape,
    dtype: number,
  });
}

export const scalar = (value: number) => tensor([value], []);
export const zeros = (shape: readonly number[]) => tensor(new Float32Array(sizeOf(shape)), shape);
export const ones = (shape: readonly number[]) =>
  tensor(new Float32Array(sizeOf(shape)).fill(1), shape);
