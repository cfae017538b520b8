/** Tensors of a file that `torch.save` wrote, without running anything that it says. */
import { type FileHandle, open } from 'node:fs/promises';
import { CheckpointError } from '../checkpoint-error';
import { bytesPerElement, type FileDType } from '../dtypes';
import {
  elementCount,
  type FileRegion,
  type StoredTensor,
  type TensorSource,
} from '../tensor-source';
import { type Callable, unpickle } from './machine';
import { type ReadAt, reader, type ZipEntry, zipEntries } from './zip';

/** Bytes of one or more tensors. */
class TorchStorage {
  constructor(
    readonly dtype: FileDType,
    readonly elements: number,
    readonly place: ZipEntry,
  ) {}
}

class TorchTensor implements StoredTensor {
  constructor(
    readonly storage: TorchStorage,
    /** In elements, as are the strides. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  get dtype(): FileDType {
    return this.storage.dtype;
  }

  /** Whether the elements lie row by row, as they are asked for. */
  get isContiguous(): boolean {
    let step = 1;
    return [...this.shape].reverse().every((side, i) => {
      const stride = this.strides[this.strides.length - 1 - i];
      const fits = side === 1 || stride === step;
      step *= side;
      return fits;
    });
  }
}

const STORAGES: Readonly<Record<string, FileDType>> = {
  BFloat16Storage: 'BF16',
  BoolStorage: 'BOOL',
  ByteStorage: 'U8',
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  IntStorage: 'I32',
  LongStorage: 'I64',
};

const MAX_PICKLE = 256 << 20; // bytes
const MAX_SIDES = 8;

/**
 * Opens a file of `torch.save`: a dictionary of tensors, or one that has such a dictionary as `state_dict`.
 * @throws CheckpointError where it is damaged, or asks for anything but tensors in dictionaries
 */
export async function openPickled(path: string): Promise<TensorSource> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    const told =
      error.code === 'ENOENT' ? 'there is no such file.' : `it cannot be opened (${error.code}).`;
    throw new CheckpointError(path, told);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new CheckpointError(path, 'it is not a file.');
    const read = reader(path, handle, stats.size);
    const zip = await zipEntries(path, read, stats.size);
    return new PickledFile(path, handle, await tensorsOf(path, zip, read));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class PickledFile implements TensorSource {
  constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly entries: ReadonlyMap<string, TorchTensor>,
  ) {}

  async readBytes(name: string, bytes: Uint8Array, begin: number): Promise<void> {
    const tensor = this.entry(name);
    const { storage } = tensor;
    const width = bytesPerElement(storage.dtype);
    const region = this.region(name);
    if (region) return this.fill(bytes, region.position + begin);
    const whole = new Uint8Array(storage.elements * width);
    await this.fill(whole, storage.place.begin);
    for (let at = 0; at < bytes.length; at += width) {
      const from = place(tensor, (begin + at) / width) * width;
      bytes.set(whole.subarray(from, from + width), at);
    }
  }

  region(name: string): FileRegion | undefined {
    const { storage, offset, isContiguous } = this.entry(name);
    if (!isContiguous) return undefined;
    const position = storage.place.begin + offset * bytesPerElement(storage.dtype);
    return { file: this.handle.fd, position };
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private entry(name: string): TorchTensor {
    const tensor = this.entries.get(name);
    if (!tensor) throw new CheckpointError(this.path, `it has no tensor "${name}".`);
    return tensor;
  }

  private async fill(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(1 << 24, bytes.length - done);
      const { bytesRead } = await this.handle.read(bytes, done, length, position + done);
      if (bytesRead === 0)
        throw new CheckpointError(this.path, 'it ended while it was being read.');
      done += bytesRead;
    }
  }
}

/** Where in the storage element `i` in row-major order is. */
function place({ offset, shape, strides }: TorchTensor, i: number): number {
  let [at, rest] = [offset, i];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis] ?? 1;
    at += (rest % side) * (strides[axis] ?? 0);
    rest = Math.floor(rest / side);
  }
  return at;
}

async function tensorsOf(
  path: string,
  zip: ReadonlyMap<string, ZipEntry>,
  read: ReadAt,
): Promise<ReadonlyMap<string, TorchTensor>> {
  const fail = (reason: string): never => {
    throw new CheckpointError(path, `${reason}.`);
  };
  const pickles = [...zip.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [name] = pickles;
  const entry = zip.get(name ?? '');
  if (!entry || name === undefined || pickles.length > 1)
    return fail('it is no archive of torch.save (NAME/data.pkl)');
  if (entry.size > MAX_PICKLE)
    fail(`its pickle has ${entry.size} bytes; ${MAX_PICKLE} is the limit`);
  const root = name.slice(0, -'data.pkl'.length);
  if ((await byteOrder(zip.get(`${root}byteorder`), read)) !== 'little')
    fail('it is of a big-endian machine');
  const bytes = await read(entry.begin, entry.size);
  try {
    const value = unpickle(bytes, {
      global: (module, symbol) => GLOBALS[`${module}.${symbol}`] ?? storageNamed(module, symbol),
      persistent: (id) => storageOf(id, (key) => zip.get(`${root}data/${key}`)),
    });
    return stateDict(value);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return fail(error.message);
    throw error;
  }
}

async function byteOrder(entry: ZipEntry | undefined, read: ReadAt): Promise<string> {
  return entry ? (await read(entry.begin, Math.min(entry.size, 16))).toString('latin1') : 'little';
}

const storageNamed = (module: string, name: string) =>
  module === 'torch' && Object.hasOwn(STORAGES, name) ? name : undefined;

/** All that a state dict is made of. */
const GLOBALS: Readonly<Record<string, Callable | undefined>> = Object.assign(Object.create(null), {
  'collections.OrderedDict': () => new Map(),
  'torch._utils._rebuild_tensor_v2': rebuiltTensor,
  'torch._utils._rebuild_parameter': ([tensor]: readonly unknown[]) => tensor,
});

/** `('storage', FloatStorage, key, location, elements)`, whose bytes are an entry of the archive. */
function storageOf(id: unknown, find: (key: string) => ZipEntry | undefined): TorchStorage {
  const [kind, type, key, , elements] = Array.isArray(id) ? id : [];
  const dtype = typeof type === 'string' ? STORAGES[type] : undefined;
  if (kind !== 'storage' || !dtype || typeof key !== 'string')
    throw new SyntaxError('it refers to something that is no storage');
  const entry = find(key);
  if (!entry) throw new SyntaxError(`it has no storage ${JSON.stringify(key)}`);
  if (!isSize(elements) || elements * bytesPerElement(dtype) !== entry.size)
    throw new RangeError(
      `storage ${JSON.stringify(key)} has ${entry.size} bytes, which are not ${elements} of ${dtype}`,
    );
  return new TorchStorage(dtype, elements, entry);
}

/** `(storage, offset, shape, strides, requires_grad, hooks)`; every element must lie within the storage. */
function rebuiltTensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || !isSize(offset) || !isSizes(shape) || !isSizes(strides))
    throw new SyntaxError('a tensor is not made of a storage, an offset, sides and strides');
  if (shape.length !== strides.length || shape.length > MAX_SIDES)
    throw new RangeError(`a tensor has ${shape.length} sides and ${strides.length} strides`);
  const count = elementCount(shape);
  const last = shape.reduce((at, side, i) => at + (side - 1) * (strides[i] ?? 0), offset);
  const isWithin = count === 0 ? offset <= storage.elements : last < storage.elements;
  if (!isWithin || count > storage.elements)
    throw new RangeError(
      `a tensor [${shape}] with strides [${strides}] does not fit into its storage of ${storage.elements}`,
    );
  return new TorchTensor(storage, offset, shape, strides);
}

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(isSize);

/** The tensors by name; training programs keep them one level down, beside notes that are no tensors. */
function stateDict(value: unknown): ReadonlyMap<string, TorchTensor> {
  const nested = value instanceof Map ? value.get('state_dict') : undefined;
  const found = nested instanceof Map ? nested : value;
  if (!(found instanceof Map)) throw new SyntaxError('it is no dictionary of tensors');
  const tensors = new Map<string, TorchTensor>();
  for (const [name, tensor] of found) {
    if (typeof name !== 'string' || !(tensor instanceof TorchTensor))
      throw new SyntaxError(`${JSON.stringify(name)} in it is no tensor`);
    tensors.set(name, tensor);
  }
  return tensors;
}
