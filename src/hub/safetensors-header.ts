// The safetensors header: 8 bytes of length, then JSON `{ name: { dtype, shape, data_offsets }, … }`, then the bytes.
// Rules: https://github.com/huggingface/safetensors (README, safetensors/src/tensor.rs).

import { bytesPerElement, FILE_DTYPES, type FileDType, isFileDType } from './dtypes';
import { StrictJson } from './strict-json';

/** The longest header that may be read, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor lies: `begin`…`end` are byte offsets into the data after the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A header that has passed every rule. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, TensorEntry>;
}

/**
 * Reads a header's JSON and checks it against the size of the data that follows it: no duplicate names, known dtypes,
 * shape × dtype = bytes, no overlap, no hole, nothing beyond the last tensor.
 * @throws SyntaxError or RangeError that tells the reason; the caller adds the file's name.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  const json = new StrictJson(decodeUtf8(bytes));
  const metadata = new Map<string, string>();
  const entries = new Map<string, TensorEntry>();
  json.object('the header', (name) => {
    if (name === '__metadata__') {
      json.object('__metadata__', (key) => metadata.set(key, json.string()));
    } else {
      entries.set(name, parseEntry(json, name));
    }
  });
  json.end();
  checkLayout([...entries.values()], dataBytes);
  return { metadata, entries };
}

/** The header's bytes, padded with spaces so that the data starts at a multiple of 8. */
export function formatHeader(
  metadata: Readonly<Record<string, string>>,
  entries: readonly TensorEntry[],
): Uint8Array {
  const fields = entries.map(
    ({ name, dtype, shape, begin, end }) =>
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`,
  );
  if (Object.keys(metadata).length > 0)
    fields.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  const json = Buffer.from(`{${fields.join(',')}}`, 'utf8');
  if (json.length > MAX_HEADER_BYTES - 8) {
    throw new RangeError(`A safetensors header of ${json.length} bytes is longer than allowed.`);
  }
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  return header;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError('the header is not UTF-8');
  }
}

function parseEntry(json: StrictJson, name: string): TensorEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const label = `tensor ${JSON.stringify(name)}`;
  json.object(label, (field) => {
    if (field === 'dtype') dtype = json.string();
    else if (field === 'shape') shape = json.array(() => json.integer());
    else if (field === 'data_offsets') offsets = json.array(() => json.integer());
    else json.fail(`${label} has the unknown field ${JSON.stringify(field)}`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    return json.fail(`${label} needs dtype, shape and data_offsets`);
  }
  const [begin, end, ...rest] = offsets;
  if (begin === undefined || end === undefined || rest.length > 0) {
    return json.fail(`${label} needs two data_offsets`);
  }
  if (!isFileDType(dtype)) {
    throw new RangeError(`${label} has dtype ${JSON.stringify(dtype)}; known are ${FILE_DTYPES}`);
  }
  const entry = { name, dtype, shape, begin, end };
  checkSize(entry, label);
  return entry;
}

function checkSize({ dtype, shape, begin, end }: TensorEntry, label: string): void {
  const size = shape.reduce(safeProduct, bytesPerElement(dtype));
  if (end < begin) throw new RangeError(`${label} ends at byte ${end}, before its start ${begin}`);
  if (size !== end - begin) {
    throw new RangeError(
      `${label} of ${dtype} [${shape}] needs ${size} bytes, but its data_offsets span ${end - begin}`,
    );
  }
}

/** NaN from the first product that is no exact integer on, even if a zero follows. */
const safeProduct = (product: number, n: number) =>
  Number.isSafeInteger(product * n) ? product * n : Number.NaN;

/** Tensors, in order of their offsets, must follow one another and fill the data. */
function checkLayout(entries: readonly TensorEntry[], dataBytes: number): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let next = 0;
  for (const { name, begin, end } of ordered) {
    if (begin !== next) {
      const fault = begin < next ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new RangeError(
        `tensor ${JSON.stringify(name)} ${fault}: it starts at byte ${begin}, not ${next}`,
      );
    }
    next = end;
  }
  if (next !== dataBytes) {
    throw new RangeError(
      `the header describes ${next} bytes of data, but the file holds ${dataBytes}`,
    );
  }
}
