// Reads parquet in a worker thread that may be killed: a hostile file can make the decoder loop or exhaust its memory.
// One request is { id, path, column?, rowGroup? }; without a column the answer is the file's layout.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** Sizes a file may claim before it is refused unread. */
const { maxColumnBytes, maxRows } = workerData;

parentPort.on('message', async ({ id, ...request }) => {
  try {
    const { value, transfer } = await answer(request);
    parentPort.postMessage({ id, value }, transfer);
  } catch (error) {
    parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

async function answer({ path, column, rowGroup }) {
  const descriptor = openSync(path, 'r');
  try {
    const file = asyncBuffer(descriptor);
    if (file.byteLength < 12) throw new Error('the file is too short');
    const metadata = await parquetMetadataAsync(file);
    if (column === undefined) return { value: layout(metadata), transfer: [] };
    return packed(await readColumn(file, metadata, column, rowGroup));
  } finally {
    closeSync(descriptor);
  }
}

function asyncBuffer(descriptor) {
  const byteLength = fstatSync(descriptor).size;
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength)) {
        throw new Error(`bytes ${start} to ${end} are not inside the file`);
      }
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const n = readSync(descriptor, bytes, done, bytes.length - done, start + done);
        if (n === 0) throw new Error('the file became shorter while it was read');
        done += n;
      }
      return bytes.buffer;
    },
  };
}

function layout(metadata) {
  const rows = metadata.row_groups.map((group) => rowCount(group));
  const [root, ...elements] = metadata.schema;
  const columns = [];
  for (let i = 0; i < elements.length; i++) {
    const { name, type, num_children: children = 0 } = elements[i];
    columns.push({ name, type: children ? nestedType(elements, i) : type });
    for (let left = children; left > 0; left--) left += elements[++i]?.num_children ?? 0;
  }
  if (columns.length !== root.num_children) throw new Error('the schema contradicts itself');
  return { rows, columns };
}

/** `picture`: a struct { bytes, path }, as `datasets` stores its Image feature; `texts`: a list of strings. */
function nestedType(elements, i) {
  const [first, second] = [elements[i + 1], elements[i + 2]];
  const count = elements[i].num_children;
  if (count === 2 && first.name === 'bytes' && second?.name === 'path') return 'picture';
  const isTexts = count === 1 && first.num_children === 1 && second?.converted_type === 'UTF8';
  return isTexts && first.repetition_type === 'REPEATED' ? 'texts' : 'nested';
}

function rowCount({ num_rows: rows }) {
  if (!(rows >= 0 && rows <= maxRows)) throw new Error(`a row group claims ${rows} rows`);
  return Number(rows);
}

async function readColumn(file, metadata, column, rowGroup) {
  const group = metadata.row_groups[rowGroup];
  const chunks = group?.columns.filter(({ meta_data: m }) => m?.path_in_schema[0] === column) ?? [];
  const { type } = layout(metadata).columns.find(({ name }) => name === column) ?? {};
  if (chunks.length === 0 || type === 'nested') {
    throw new Error('there is no such column in the row group');
  }
  const rows = rowCount(group);
  for (const chunk of chunks) checkChunk(chunk, rows, type);
  if (rows === 0) return [];
  const data = await parquetReadObjects({
    file,
    metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
    columns: [column],
    compressors: guarded,
    utf8: false, // or picture bytes would be decoded as text
  });
  if (data.length !== rows) throw new Error(`${data.length} values were found for ${rows} rows`);
  return data.map((row) => (type === 'picture' ? row[column]?.bytes : row[column]));
}

function checkChunk({ file_path: elsewhere, meta_data: chunk }, rows, type) {
  if (elsewhere) throw new Error('the column is in another file');
  const { total_uncompressed_size: size, num_values: values } = chunk;
  if (!(size >= 0 && size <= maxColumnBytes)) throw new Error(`the column claims ${size} bytes`);
  const plausible =
    type === 'texts' ? values >= rows && values <= maxRows : Number(values) === rows;
  if (!plausible) throw new Error(`${values} values stand in ${rows} rows`);
}

/** Node's own where it has one: faster, and it stops at a given size. */
const native = { maxOutputLength: maxColumnBytes };
const decompressors = {
  ...compressors,
  GZIP: (input) => gunzipSync(input, native),
  BROTLI: (input) => brotliDecompressSync(input, native),
};

/** Decompressors that refuse a page claiming more than the whole column may hold. */
const guarded = Object.fromEntries(
  Object.entries(decompressors).map(([codec, decompress]) => [
    codec,
    (input, length) => {
      if (!(length >= 0 && length <= maxColumnBytes)) {
        throw new Error(`a page claims ${length} bytes`);
      }
      return decompress(input, length);
    },
  ]),
);

/** Byte strings travel as one buffer and its cuts: sliced arrays would each drag their whole page along. */
function packed(data) {
  const values = Array.from(data, (value) => value ?? undefined);
  if (!values.some((value) => value instanceof Uint8Array))
    return { value: { values }, transfer: [] };
  if (!values.every((value) => value === undefined || value instanceof Uint8Array)) {
    throw new Error('the column mixes byte strings with other values');
  }
  const ends = new Float64Array(values.length);
  let total = 0;
  for (const [i, value] of values.entries()) ends[i] = total += value?.length ?? 0;
  if (total > maxColumnBytes) throw new Error(`the column unpacks to ${total} bytes`);
  const bytes = new Uint8Array(total);
  for (const [i, value] of values.entries()) if (value) bytes.set(value, ends[i] - value.length);
  const missing = values.flatMap((value, i) => (value ? [] : [i]));
  return { value: { bytes, ends, missing }, transfer: [bytes.buffer, ends.buffer] };
}
