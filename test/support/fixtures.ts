import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', 'fixtures');

/** An array of a fixture file, as the Python library wrote it (PyTorch's layout). */
export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** The full path of a file or folder under `test/fixtures/`. */
export function fixturePath(...names: readonly string[]): string {
  return join(ROOT, ...names);
}

/** A JSON fixture, taken at its word to be a `T`. */
export function jsonFixture<T>(...names: readonly string[]): T {
  return JSON.parse(readFileSync(fixturePath(...names), 'utf8')) as T;
}

/** All tensors of a safetensors fixture by name; a plain reader on purpose, so that tests of the real one mean something. */
export function tensorFixture(...names: readonly string[]): ReadonlyMap<string, FixtureTensor> {
  const file = readFileSync(fixturePath(...names));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, HeaderEntry>;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const bytes = Uint8Array.from(file.subarray(start + from, start + to));
        return [name, { shape, data: decode(dtype, bytes.buffer) }];
      },
    ),
  );
}

/** One tensor of a fixture. @throws RangeError where the fixture has no such name. */
export function fixtureTensor(
  tensors: ReadonlyMap<string, FixtureTensor>,
  name: string,
): FixtureTensor {
  const found = tensors.get(name);
  if (!found) throw new RangeError(`The fixture has no tensor "${name}".`);
  return found;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

function decode(dtype: string, bytes: ArrayBuffer): FixtureTensor['data'] {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes);
    case 'F64':
      return new Float64Array(bytes);
    case 'BF16': // the upper halves of floats
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes), (x) => x << 16).buffer);
    case 'F16':
      return Float32Array.from(new Uint16Array(bytes), halfValue);
    case 'I32':
      return new Int32Array(bytes);
    case 'I64':
      return Int32Array.from(new BigInt64Array(bytes), Number);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(bytes);
    default:
      throw new RangeError(`A fixture holds ${dtype}, which the tests do not read.`);
  }
}

/** A float16's value; the fixtures hold no infinities. */
function halfValue(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
}
