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
    columns.push({ name, type: children ? 'nested' : type });
    for (let left = children; left > 0; left--) left += elements[++i]?.num_children ?? 0;
  }
  if (columns.length !== root.num_children) throw new Error('the schema contradicts itself');
  return { rows, columns };
}

function rowCount({ num_rows: rows }) {
  if (!(rows >= 0 && rows <= maxRows)) throw new Error(`a row group claims ${rows} rows`);
  return Number(rows);
}

function isFlat(chunk, column) {
  return chunk?.path_in_schema.length === 1 && chunk.path_in_schema[0] === column;
}

async function readColumn(file, metadata, column, rowGroup) {
  const group = metadata.row_groups[rowGroup];
  const chunk = group?.columns.find(({ meta_data: m }) => isFlat(m, column));
  if (!chunk) throw new Error('there is no such column in the row group');
  if (chunk.file_path) throw new Error('the column is in another file');
  const { total_uncompressed_size: size, num_values: values } = chunk.meta_data;
  const rows = rowCount(group);
  if (!(size >= 0 && size <= maxColumnBytes)) throw new Error(`the column claims ${size} bytes`);
  if (Number(values) !== rows) throw new Error(`${values} values stand in ${rows} rows`);
  if (rows === 0) return [];
  const data = await parquetReadObjects({
    file,
    metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
    columns: [column],
    compressors: guarded,
    utf8: false, // or picture bytes would be decoded as text
  });
  if (data.length !== rows) throw new Error(`${data.length} values were found for ${rows} rows`);
  return data.map((row) => row[column]);
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
