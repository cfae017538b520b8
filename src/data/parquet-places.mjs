// Where each value of a column of byte strings stands in a parquet file, found from page headers and the lengths in
// front of values, so that one value can be read without the others. Format: apache/parquet-format, parquet.thrift,
// Encodings.md. pyarrow tests the size of a page every 1024 values, so that pages of pictures hold whole row groups;
// where dictionaries are on, as by default, the pictures stand in the dictionary and the data page only counts them.
import { parquetHeader } from 'hyparquet/src/column.js';
import { numbersOfRuns } from './runs.mjs';
import { PackedBody, unpack } from './snappy.mjs';

/** In the place of what is skipped: the value stands in the file as it is. */
const PLAIN = 0xffffffff;

/** @returns {PackedBody | PlainBody} what a page holds behind its uncompressed levels. */
const BODIES = {
  UNCOMPRESSED: (file, from, to, size) => new PlainBody(file, from, to, size),
  SNAPPY: (file, from, to, size) => new PackedBody(file, from, to, size),
};

class PlainBody {
  constructor(file, from, to, size) {
    if (to - from !== size) throw new Error(`a page claims ${size} bytes and takes ${to - from}`);
    Object.assign(this, { file, from, size });
  }

  place(start, end) {
    return { from: this.from + start, to: this.from + end, skip: PLAIN };
  }

  read(start, end) {
    return this.file.bytes(this.from + start, end - start);
  }
}

/**
 * Four numbers a row, all counted from `start`: the bytes to read begin, and end; of what they unpack to these are
 * skipped (or `PLAIN`); the value's length. A null ends at 0. Nothing, where values cannot be found alone: in other
 * codecs, other encodings, lists and text.
 *
 * @param chunk hyparquet's ColumnMetaData
 * @param definition what the definition level of a value is; a lower one is a null's
 * @throws Error if sizes or counts contradict each other
 */
export function columnPlaces(file, chunk, definition, rows, maxBytes) {
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const end = start + Number(chunk.total_compressed_size);
  if (!(start >= 0 && start < end && end <= file.byteLength && end - start < PLAIN)) {
    throw new Error(`the column claims bytes ${start} to ${end} of ${file.byteLength}`);
  }
  const found = { places: new Uint32Array(4 * rows), rows: 0, dictionary: undefined };
  const column = { file, codec: chunk.codec, definition, rows, start, end, maxBytes };
  if (!BODIES[chunk.codec]) return undefined;
  for (let at = start; at < end; ) {
    const page = readHeader(column, at);
    if (!addPage(column, page, found)) return undefined;
    at = page.to;
  }
  if (found.rows === rows) return { start, places: found.places };
  throw new Error(`the pages hold ${found.rows} values for ${rows} rows`);
}

/** Statistics can make a header long; most are short. */
const HEADER_BYTES = [4096, 65_536, 1_048_576];

function readHeader({ file, end, maxBytes }, at) {
  for (const most of HEADER_BYTES) {
    const bytes = file.bytes(at, Math.min(most, end - at)).slice();
    const reader = { view: new DataView(bytes.buffer), offset: 0 };
    let header;
    try {
      header = parquetHeader(reader);
    } catch (error) {
      if (bytes.length < Math.min(HEADER_BYTES.at(-1), end - at)) continue;
      throw new Error(`a page header cannot be read (${error.message})`);
    }
    const { compressed_page_size: packed, uncompressed_page_size: size } = header;
    const from = at + reader.offset;
    if (!(packed >= 0 && packed <= end - from)) {
      throw new Error(`a page claims ${packed} bytes where ${end - from} are left`);
    }
    if (!(size >= 0 && size <= maxBytes)) throw new Error(`a page claims ${size} bytes`);
    return { header, from, to: from + packed, size };
  }
}

/** Where a header says more, by the page's type. */
const DETAILS = {
  DICTIONARY_PAGE: 'dictionary_page_header',
  DATA_PAGE: 'data_page_header',
  DATA_PAGE_V2: 'data_page_header_v2',
};

/** Whether the page is of a kind whose values can be found. */
function addPage(column, page, found) {
  const { header } = page;
  const details = DETAILS[header.type];
  if (details && !header[details]) throw new Error(`a header lacks its ${details}`);
  switch (header.type) {
    case 'DICTIONARY_PAGE': {
      const { num_values: count, encoding } = header.dictionary_page_header;
      if (encoding !== 'PLAIN' && encoding !== 'PLAIN_DICTIONARY') return false;
      const body = BODIES[column.codec](column.file, page.from, page.to, page.size);
      found.dictionary = plainPlaces(body, 0, count, column.start);
      return true;
    }
    case 'DATA_PAGE':
      return addValues(column, firstKind(column, page), found);
    case 'DATA_PAGE_V2':
      return addValues(column, secondKind(column, page), found);
    default:
      return header.type === 'INDEX_PAGE';
  }
}

/** DataPageHeader: levels stand in the compressed part, their length in front. */
function firstKind({ file, codec, definition, rows }, { header, from, to, size }) {
  const { num_values: count, encoding, definition_level_encoding: how } = header.data_page_header;
  checkCount(count, rows);
  if (definition > 0 && how !== 'RLE') return { encoding: how };
  const body = BODIES[codec](file, from, to, size);
  if (definition === 0) return { count, encoding, body, offset: 0 };
  const length = 4 <= size ? uint32(body.read(0, 4)) : Infinity;
  if (length > size - 4) throw new Error(`levels claim ${length} bytes in a page of ${size}`);
  const levels = numbersOfRuns(body.read(4, 4 + length), width(definition), count);
  return { count, encoding, levels, body, offset: 4 + length };
}

/** DataPageHeaderV2: levels stand in front of the compressed part. */
function secondKind({ file, codec, definition, rows }, { header, from, to, size }) {
  const { num_values: count, encoding, is_compressed, ...sizes } = header.data_page_header_v2;
  const { repetition_levels_byte_length: before, definition_levels_byte_length: length } = sizes;
  checkCount(count, rows);
  if (!(before >= 0 && length >= 0 && before + length <= Math.min(size, to - from))) {
    throw new Error(`levels claim ${before + length} bytes in a page of ${size}`);
  }
  const levelsAt = from + before;
  const levels =
    definition > 0
      ? numbersOfRuns(file.bytes(levelsAt, length), width(definition), count)
      : undefined;
  const [valuesAt, valuesSize] = [levelsAt + length, size - before - length];
  const open = is_compressed === false || valuesSize === 0 ? BODIES.UNCOMPRESSED : BODIES[codec];
  const valuesTo = valuesSize === 0 ? valuesAt : to;
  return { count, encoding, levels, body: open(file, valuesAt, valuesTo, valuesSize), offset: 0 };
}

function checkCount(count, rows) {
  if (!(count >= 0 && count <= rows)) throw new Error(`a page claims ${count} values of ${rows}`);
}

function addValues({ definition, rows, start }, { count, encoding, levels, body, offset }, found) {
  const isDefined = (i) => !levels || levels[i] === definition;
  let present = 0;
  for (let i = 0; i < count; i++) if (isDefined(i)) present++;
  if (count > rows - found.rows) {
    throw new Error(`the pages hold more than ${rows} values`);
  }
  const values = valuePlaces(encoding, body, offset, present, start, found.dictionary);
  if (!values) return false;
  for (let i = 0, next = 0; i < count; i++, found.rows++) {
    if (isDefined(i)) found.places.set(values(next++), 4 * found.rows);
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

/** One value. @throws Error if it is not there any more. */
export function valueAt(file, { from, to, skip, length }, maxBytes) {
  const head = skip === PLAIN ? 0 : skip;
  if (!(head + 4 + length <= maxBytes && to - from <= maxBytes)) {
    throw new Error(`a value claims ${length} bytes behind ${head}`);
  }
  const read = file.read(from, to);
  const bytes = skip === PLAIN ? read : unpack(read, head + 4 + length);
  if (bytes.length === head + 4 + length && uint32(bytes.subarray(head)) === length) {
    return bytes.slice(head + 4);
  }
  throw new Error('the file has changed since its pages were found');
}

const width = (level) => 32 - Math.clz32(level);
const uint32 = (bytes) => (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
