// Reads parquet in a worker thread that may be killed: a hostile file can make the decoder loop or exhaust its memory.
// One request is { id, path, column?, rowGroup?, wanted? }; without a column the answer is the file's layout. `wanted` is
// 'places', for where the values of the column stand, one such place, for the value there, or 'extent', for the bytes that
// hold them all.
import { parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { getMaxDefinitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { compressors } from 'hyparquet-compressors';
import { bytesRead, withFile } from './file-bytes.mjs';
import { columnPlaces, valueAt } from './parquet-places.mjs';

/** Sizes a file may claim before it is refused unread. */
const { maxColumnBytes, maxRows, wholeBytes } = workerData;

parentPort.on('message', async ({ id, ...request }) => {
  try {
    const { value, transfer } = await answer(request);
    parentPort.postMessage({ id, value, bytes: bytesRead() }, transfer);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort.postMessage({ id, error: message, bytes: bytesRead() });
  }
});
parentPort.postMessage('ready');

function answer({ path, column, rowGroup, wanted }) {
  return withFile(path, async (file) => {
    if (typeof wanted === 'object') {
      return packedValue(valueAt(file, wanted, maxColumnBytes, guarded));
    }
    if (file.byteLength < 12) throw new Error('the file is too short');
    const metadata = await parquetMetadataAsync(file, { initialFetchSize: 65_536 });
    if (column === undefined) return { value: layout(metadata), transfer: [] };
    if (wanted === 'extent') return extent(file, metadata, column, rowGroup);
    if (wanted === 'places') return findPlaces(file, metadata, column, rowGroup);
    return packed(await readColumn(file, metadata, column, rowGroup));
  });
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

function columnChunks(metadata, column, rowGroup) {
  const group = metadata.row_groups[rowGroup];
  const chunks = group?.columns.filter(({ meta_data: m }) => m?.path_in_schema[0] === column) ?? [];
  const { type } = layout(metadata).columns.find(({ name }) => name === column) ?? {};
  if (chunks.length === 0 || type === 'nested') {
    throw new Error('there is no such column in the row group');
  }
  const rows = rowCount(group);
  for (const chunk of chunks) checkChunk(chunk, rows, type);
  return { group, chunks, rows, type };
}

/** The bytes of the file that hold a column of a row group. */
function extent(file, metadata, column, rowGroup) {
  const { chunks } = columnChunks(metadata, column, rowGroup);
  const ranges = chunks.map(({ meta_data: chunk }) => {
    const first = Number(chunk.data_page_offset);
    const dictionary = Number(chunk.dictionary_page_offset ?? first) || first;
    const from = Math.min(first, dictionary);
    return { from, to: from + Number(chunk.total_compressed_size) };
  });
  const from = Math.min(...ranges.map((range) => range.from));
  const to = Math.max(...ranges.map((range) => range.to));
  if (!(from >= 0 && from <= to && to <= file.byteLength)) {
    throw new Error(`the column claims bytes ${from} to ${to}`);
  }
  return { value: { from, to }, transfer: [] };
}

/** Nothing, where the column must be read whole: it is small, or its values cannot be found alone. */
function findPlaces(file, metadata, column, rowGroup) {
  const { chunks, rows, type } = columnChunks(metadata, column, rowGroup);
  const [chunk] = type === 'picture' ? chunks.filter(isBytes) : chunks;
  const nothing = { value: undefined, transfer: [] };
  if (!chunk || Number(chunk.meta_data.total_uncompressed_size) <= wholeBytes) return nothing;
  const path = getSchemaPath(metadata.schema, chunk.meta_data.path_in_schema);
  if (!isByteString(path)) return nothing;
  const definition = getMaxDefinitionLevel(path);
  const value = columnPlaces(file, chunk.meta_data, definition, rows, maxColumnBytes);
  return { value, transfer: value ? [value.places.buffer] : [] };
}

const isBytes = ({ meta_data: chunk }) => chunk.path_in_schema[1] === 'bytes';

function isByteString(path) {
  const { type, converted_type: text, logical_type: other } = path.at(-1).element;
  const isFlat = path.every(({ element }) => element.repetition_type !== 'REPEATED');
  return type === 'BYTE_ARRAY' && isFlat && text === undefined && other === undefined;
}

async function readColumn(file, metadata, column, rowGroup) {
  const { group, rows, type } = columnChunks(metadata, column, rowGroup);
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

function packedValue(bytes) {
  return { value: bytes, transfer: bytes ? [bytes.buffer] : [] };
}
