// Where each value of a column of byte strings stands in a parquet file, found from page headers and the lengths in
// front of values, so that one value can be read without the others. Format: apache/parquet-format, Encodings.md.
// pyarrow tests the size of a page every 1024 values, so that a page of pictures holds all of a row group; where
// dictionaries are on, as by default, the pictures stand in the dictionary and the data page only counts them.
import { MemoryBytes } from './file-bytes.mjs';
import { AS_IT_IS, BODIES, dataPage, readPage, uint32, unpackedBody } from './parquet-pages.mjs';
import { numbersOfRuns } from './runs.mjs';
import { unpack } from './snappy.mjs';

/** In the place of what is skipped: the whole page must be unpacked, and `length` is the row in it. */
const IN_PAGE = 0xfffffffe;
/** A page that unpacks to more is not worth it for one value. */
const MAX_PAGE = 4 * 2 ** 20;

/**
 * Four numbers a row, the first two counted from `start`: the bytes to read begin, and end; of what they unpack to
 * these are skipped (or a mark from above); the value's length. A null that is known ends at 0. Nothing, where the
 * column should be read whole: in other encodings, and in other codecs with dictionaries or large pages.
 *
 * @param chunk hyparquet's ColumnMetaData
 * @param definition what the definition level of a value is; a lower one is a null's
 * @throws Error if sizes or counts contradict each other
 */
export function columnPlaces(file, chunk, definition, rows, maxBytes) {
  const { codec } = chunk;
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const end = start + Number(chunk.total_compressed_size);
  if (!(start >= 0 && start < end && end <= file.byteLength && end - start < IN_PAGE)) {
    throw new Error(`the column claims bytes ${start} to ${end} of ${file.byteLength}`);
  }
  const column = { file, definition, rows, start, end, maxBytes, open: BODIES[codec] };
  const found = { places: new Uint32Array(4 * rows), rows: 0, dictionary: undefined };
  const add = column.open ? addPage : addWholePage;
  for (let at = start; at < end; ) {
    const page = readPage(column, at);
    if (!add(column, page, found)) return undefined;
    at = page.to;
  }
  if (found.rows !== rows) throw new Error(`the pages hold ${found.rows} values for ${rows} rows`);
  return { start, codec, definition, places: found.places };
}

/** Whether the page is of a kind whose values can be found. */
function addPage(column, page, found) {
  switch (page.type) {
    case 'INDEX_PAGE':
      return true;
    case 'DICTIONARY_PAGE': {
      const { num_values: count, encoding } = page.details;
      if (encoding !== 'PLAIN' && encoding !== 'PLAIN_DICTIONARY') return false;
      const body = column.open(column.file, page.from, page.to, page.size);
      found.dictionary = plainPlaces(body, 0, count, column.start);
      return true;
    }
    default:
      return addValues(column, dataPage(column, page), found);
  }
}

/** Of a page that must be unpacked as a whole only the header is read. */
function addWholePage({ start, rows }, { type, details, at, to, size }, found) {
  if (type === 'INDEX_PAGE') return true;
  if (type === 'DICTIONARY_PAGE' || details.encoding !== 'PLAIN' || size > MAX_PAGE) return false;
  checkRows(details.num_values, found, rows);
  for (let i = 0; i < details.num_values; i++, found.rows++) {
    found.places.set([at - start, to - start, IN_PAGE, i], 4 * found.rows);
  }
  return true;
}

function checkRows(count, found, rows) {
  if (!(count >= 0 && count <= rows - found.rows)) {
    throw new Error(`the pages hold more than ${rows} values`);
  }
}

function addValues(column, { count, encoding, levels, body, offset }, found) {
  const { definition, rows, start } = column;
  const isValue = (i) => !levels || levels[i] === definition;
  const present = levels ? levels.filter((level) => level === definition).length : count;
  const values = body && valuePlaces(encoding, body, offset, present, start, found.dictionary);
  if (!values) return false;
  checkRows(count, found, rows);
  for (let i = 0, next = 0; i < count; i++, found.rows++) {
    if (isValue(i)) found.places.set(values(next++), 4 * found.rows);
  }
  return true;
}

/** The place of the i-th value that is not null. */
function valuePlaces(encoding, body, offset, count, start, dictionary) {
  if (encoding === 'PLAIN') {
    const places = plainPlaces(body, offset, count, start);
    return (i) => places.subarray(4 * i, 4 * i + 4);
  }
  if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY') return undefined;
  if (count === 0) return () => [];
  const known = (dictionary?.length ?? 0) / 4;
  if (offset >= body.size) throw new Error('a page of dictionary entries is empty');
  const [bits] = body.read(offset, offset + 1);
  const ids = numbersOfRuns(body.read(offset + 1, body.size), bits, count);
  const unknown = ids.find((id) => id >= known);
  if (unknown !== undefined) {
    throw new Error(`entry ${unknown} of a dictionary of ${known} is asked for`);
  }
  return (i) => dictionary.subarray(4 * ids[i], 4 * ids[i] + 4);
}

/** Encoding PLAIN of byte strings: each has its length in four bytes in front, which are part of its place. */
function plainPlaces(body, offset, count, start) {
  if (!(count >= 0 && 4 * count <= body.size - offset)) {
    throw new Error(`a page of ${body.size} bytes claims ${count} values`);
  }
  const places = new Uint32Array(4 * count);
  let at = offset;
  for (let i = 0; i < count; i++) {
    const left = body.size - at - 4;
    if (left < 0) throw new Error(`a page claims ${count} values and ends after ${i}`);
    const length = uint32(body.read(at, at + 4));
    if (length > left) throw new Error(`a value claims ${length} bytes where ${left} are left`);
    const { from, to, skip } = body.place(at, at + 4 + length);
    places.set([from - start, to - start, skip, length], 4 * i);
    at += 4 + length;
  }
  return places;
}

/**
 * One value; nothing if it is null.
 *
 * @param decompressors by codec, `(bytes, size)`
 * @throws Error if it is not there any more
 */
export function valueAt(file, place, maxBytes, decompressors) {
  const { from, to, skip, length } = place;
  if (skip === IN_PAGE) return valueInPage(file, place, maxBytes, decompressors);
  const head = skip === AS_IT_IS ? 0 : skip;
  if (!(head + 4 + length <= maxBytes && to - from <= maxBytes)) {
    throw new Error(`a value claims ${length} bytes behind ${head}`);
  }
  const read = file.read(from, to);
  const bytes = skip === AS_IT_IS ? read : unpack(read, head + 4 + length);
  if (bytes.length === head + 4 + length && uint32(bytes.subarray(head)) === length) {
    return bytes.slice(head + 4);
  }
  throw new Error(CHANGED);
}

const CHANGED = 'the file has changed since its pages were found';

function valueInPage(file, { from, to, length: row, codec, definition }, maxBytes, decompressors) {
  const inMemory = new MemoryBytes(file.read(from, to));
  const end = to - from;
  const page = readPage({ file: inMemory, end, maxBytes: Math.min(maxBytes, MAX_PAGE) }, 0);
  const { num_values: count, encoding } = page.details;
  if (page.to !== end || encoding !== 'PLAIN' || !(row < count)) throw new Error(CHANGED);
  const open = unpackedBody(decompressors[codec]);
  const column = { file: inMemory, definition, rows: count, start: 0, open };
  const values = dataPage(column, page);
  const found = { places: new Uint32Array(4 * count), rows: 0 };
  if (!addValues(column, values, found)) throw new Error(CHANGED);
  const [valueFrom, valueTo] = found.places.subarray(4 * row);
  return valueTo === 0 ? undefined : values.body.file.read(valueFrom + 4, valueTo).slice();
}
