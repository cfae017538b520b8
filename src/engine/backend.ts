import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { relative, resolve } from 'node:path';
import { type NativeKernels, nativeCalls } from './native-calls';
import { threadsFor, withThreads } from './threads';

/** A value of an operation attribute, as TensorFlow's C API types it. */
export type Attribute =
  | { readonly type: 'int'; readonly value: number | readonly number[] }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'dtype'; readonly value: number };

/** Handle, shape and TensorFlow dtype number of one output. */
export interface Output {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

interface RawAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The part of the tfjs-node-gpu addon that the engine calls. */
interface Addon {
  createTensor(shape: readonly number[], dtype: number, data: unknown): number;
  deleteTensor(id: number): void;
  /** bfloat16 comes as its bit patterns in a Uint16Array. */
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array | Uint16Array;
  executeOp(name: string, attributes: RawAttribute[], inputs: number[], outputs: number): Output[];
  isUsingGpuDevice(): boolean;
  getNumOfTensors(): number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_Version: string;
  /** How our kernels reach the addon's tensors (kernels/tensorflow/addon). */
  readonly dpoHandles: object;
}

/**
 * What the engine needs to know of a `tf.Tensor`. tfjs's own declarations are hundreds of files, which
 * each notebook that imports the library would have to read.
 */
export interface TfTensor {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** The part of tfjs's Node backend through which a `tf.Tensor` enters and leaves the engine. */
export interface TfjsBackend {
  readonly binding: Addon;
  createOutputTensor(output: Output): TfTensor;
  getInputTensorIds(tensors: readonly TfTensor[]): number[];
}

/** Root of the checkout: `src/engine` is two folders below it. */
const root = resolve(__dirname, '..', '..');
const built = resolve(root, 'kernels', 'tensorflow', 'build');
/** Our native addon: the one that set-up built, or another build of it that DPO_KERNELS_FILE names. */
export const kernelsPath = process.env.DPO_KERNELS_FILE ?? resolve(built, 'dpo_kernels.node');
const logLevelPath = resolve(built, 'log_level.node');

/** Lets TensorFlow say errors only, or what TF_CPP_MIN_LOG_LEVEL asks for, from its first line on. */
function setLogLevel(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  if (existsSync(logLevelPath))
    process.dlopen({ exports: {} }, logLevelPath, RTLD_NOW | RTLD_GLOBAL); // log-level.cc says why
}

function loadTfjs(): { backend(): unknown } {
  setLogLevel();
  // Node 23 removed these from node:util; tfjs-node 4.22 still calls the first (tfjs issue 8609).
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (x: unknown) => x === null || x === undefined;
  util.isArray ??= Array.isArray;
  return require('@tensorflow/tfjs-node-gpu');
}

function loadKernels(): NativeKernels | undefined {
  if (process.env.DPO_KERNELS === 'plain') return undefined;
  if (!existsSync(kernelsPath))
    throw new Error(
      `The native kernels (${relative(root, kernelsPath)}) are not built: run \`npm run setup\`, ` +
        "or set DPO_KERNELS=plain to run everything on TensorFlow's own operations.",
    );
  const kernels: NativeKernels = require(kernelsPath);
  const { DPO_ISA } = process.env;
  if (DPO_ISA && DPO_ISA !== kernels.isa)
    throw new RangeError(
      `DPO_ISA is "${DPO_ISA}", which the kernels were not built for or this processor does not have; ` +
        'without it they take the best of what it has.',
    );
  kernels.setThreads(threads.kernels);
  return kernels;
}

const threads = threadsFor();
export const tfjsBackend = withThreads(threads, () => loadTfjs().backend()) as TfjsBackend;
const addon = tfjsBackend.binding;
/** True where TensorFlow computes on a GPU. */
export const onGpu = addon.isUsingGpuDevice();
const native = onGpu ? undefined : loadKernels();
const callNative = native && nativeCalls(native, addon.dpoHandles);

const attributeTypes = {
  int: addon.TF_ATTR_INT,
  float: addon.TF_ATTR_FLOAT,
  bool: addon.TF_ATTR_BOOL,
  string: addon.TF_ATTR_STRING,
  dtype: addon.TF_ATTR_TYPE,
} as const;

/** How operations run: our fused CPU kernels, or compositions of TensorFlow's own operations. */
export type KernelMode = 'fused' | 'plain';

let mode: KernelMode = native ? 'fused' : 'plain';

/** True where fused kernels run. */
export const fused = () => mode === 'fused';

/** Runs `fn` in the given kernel mode: the comparison of each fused kernel with its specification. */
export function withKernels<T>(kernels: KernelMode, fn: () => T): T {
  if (kernels === 'fused' && !native)
    throw new Error('Fused kernels were asked for, but DPO_KERNELS=plain or a GPU is in use.');
  const previous = mode;
  mode = kernels;
  try {
    return fn();
  } finally {
    mode = previous;
  }
}

/** Where operations run: TensorFlow, or an account of what they would need (dry-run.ts). */
export interface Device {
  execute(
    name: string,
    attributes: Readonly<Record<string, Attribute>>,
    inputs: readonly number[],
    outputs: number,
  ): Output[];
  createHandle(shape: readonly number[], dtype: number, data: unknown): number;
  deleteHandle(id: number): void;
  readHandle(id: number): ReturnType<Addon['tensorDataSync']>;
}

let device: Device | undefined;

/** Runs `fn` on another device than TensorFlow. */
export function withDevice<T>(other: Device, fn: () => T): T {
  const outer = device;
  device = other;
  try {
    return fn();
  } finally {
    device = outer;
  }
}

/** Told of every operation: its name and the milliseconds it took. */
export type Observer = (name: string, milliseconds: number) => void;

let observer: Observer | undefined;

/** Tells `observe` of every operation that `fn` executes. */
export function withObserver<T>(observe: Observer, fn: () => T): T {
  const outer = observer;
  observer = observe;
  try {
    return fn();
  } finally {
    observer = outer;
  }
}

function run(
  name: string,
  attributes: Readonly<Record<string, Attribute>>,
  inputs: readonly number[],
  outputs: number,
): Output[] {
  const ours = callNative?.(name, attributes, inputs, outputs);
  if (ours) return ours;
  const raw: RawAttribute[] = [];
  for (const key in attributes) {
    const attribute = attributes[key] as Attribute;
    raw.push({ name: key, type: attributeTypes[attribute.type], value: attribute.value });
  }
  return addon.executeOp(name, raw, inputs as number[], outputs);
}

/** Executes one operation, ours or TensorFlow's. Errors carry its name. */
export function execute(
  name: string,
  attributes: Readonly<Record<string, Attribute>>,
  inputs: readonly number[],
  outputs: number,
): Output[] {
  if (device) return device.execute(name, attributes, inputs, outputs);
  if (!observer) return run(name, attributes, inputs, outputs);
  const start = performance.now();
  const results = run(name, attributes, inputs, outputs);
  observer(name, performance.now() - start);
  return results;
}

/** Copies host data into a new handle. */
export const createHandle = (shape: readonly number[], dtype: number, data: unknown) =>
  device ? device.createHandle(shape, dtype, data) : addon.createTensor(shape, dtype, data);
/** Frees a handle. */
export const deleteHandle = (id: number) =>
  device ? device.deleteHandle(id) : addon.deleteTensor(id);
/** Copies a handle's values to the host. */
export const readHandle = (id: number) =>
  device ? device.readHandle(id) : addon.tensorDataSync(id);
/** Number of handles that the addon holds: the engine's and tfjs's. */
export const heldHandles = () => addon.getNumOfTensors();

/** What the engine runs on, for `npm run doctor` and benchmark headers. */
export function engineInfo() {
  return {
    tensorflow: addon.TF_Version,
    device: onGpu ? ('gpu' as const) : ('cpu' as const),
    kernels: mode,
    isa: native?.isa ?? 'none',
    kernelThreads: native?.threads() ?? 0,
    tensorflowThreads: threads.intraOp,
  };
}
