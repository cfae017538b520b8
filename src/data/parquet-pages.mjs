// Pages of a column of byte strings: their headers, levels, and what holds their values. Format: apache/parquet-format,
// parquet.thrift.
import { parquetHeader } from 'hyparquet/src/column.js';
import { MemoryBytes } from './file-bytes.mjs';
import { numbersOfRuns } from './runs.mjs';
import { PackedBody } from './snappy.mjs';

/** In the place of what is skipped: the value stands in the file as it is. */
export const AS_IT_IS = 0xffffffff;

/** Values that stand as they are, from a byte of `file` on. */
class PlainBody {
  constructor(file, from, to, size) {
    if (to - from !== size) throw new Error(`a page claims ${size} bytes and takes ${to - from}`);
    Object.assign(this, { file, from, size });
  }

  place(start, end) {
    return { from: this.from + start, to: this.from + end, skip: AS_IT_IS };
  }

  read(start, end) {
    return this.file.bytes(this.from + start, end - start);
  }
}

const plainBody = (...given) => new PlainBody(...given);

/** What a page holds behind its uncompressed levels, by codecs whose pages need not be unpacked as a whole. */
export const BODIES = {
  UNCOMPRESSED: plainBody,
  SNAPPY: (...given) => new PackedBody(...given),
};

/** Of the other codecs: the whole page, unpacked in memory, where places count from 0. */
export function unpackedBody(decompress) {
  return (file, from, to, size) => {
    const bytes = decompress(file.read(from, to), size);
    return new PlainBody(new MemoryBytes(bytes), 0, bytes.length, size);
  };
}

/** Where a header says more, by the page's type. */
const DETAILS = {
  DICTIONARY_PAGE: 'dictionary_page_header',
  DATA_PAGE: 'data_page_header',
  DATA_PAGE_V2: 'data_page_header_v2',
  INDEX_PAGE: 'type',
};

/** Statistics can make a header long; most are short. */
const HEADER_BYTES = [4096, 65_536, 1_048_576];

/** The page at a byte of the file, in a column that ends at `end`. @throws Error if its sizes are impossible. */
export function readPage({ file, end, maxBytes }, at) {
  const { header, size: headerSize } = readHeader(file, at, end);
  const { type, compressed_page_size: packed, uncompressed_page_size: size } = header;
  const from = at + headerSize;
  if (!(packed >= 0 && packed <= end - from)) {
    throw new Error(`a page claims ${packed} bytes where ${end - from} are left`);
  }
  if (!(size >= 0 && size <= maxBytes)) throw new Error(`a page claims ${size} bytes`);
  const details = header[DETAILS[type]];
  if (details === undefined) throw new Error(`a page of type ${type} lacks its description`);
  return { type, details, at, from, to: from + packed, size };
}

function readHeader(file, at, end) {
  for (const most of HEADER_BYTES) {
    const bytes = file.bytes(at, Math.min(most, end - at)).slice();
    const reader = { view: new DataView(bytes.buffer), offset: 0 };
    try {
      return { header: parquetHeader(reader), size: reader.offset };
    } catch (error) {
      if (bytes.length === end - at || most === HEADER_BYTES.at(-1)) {
        throw new Error(`a page header cannot be read (${error.message})`);
      } // else it may be longer than what was read of it
    }
  }
}

/**
 * A data page's number of rows, their definition levels (nothing where all values are there), and its values: how they
 * are encoded, in which body, from where in it.
 */
export function dataPage(column, page) {
  const { num_values: count } = page.details;
  const { rows } = column;
  if (!(count >= 0 && count <= rows)) throw new Error(`a page claims ${count} values of ${rows}`);
  return page.type === 'DATA_PAGE' ? firstKind(column, page) : secondKind(column, page);
}

/** DataPageHeader: levels stand in the compressed part, their length in front. */
function firstKind({ file, open, definition }, { details, from, to, size }) {
  const { num_values: count, encoding, definition_level_encoding: how } = details;
  if (definition > 0 && how !== 'RLE') return { encoding: `levels in ${how}` };
  const body = open(file, from, to, size);
  if (definition === 0) return { count, encoding, body, offset: 0 };
  const length = size >= 4 ? uint32(body.read(0, 4)) : Infinity;
  if (length > size - 4) throw new Error(`levels claim ${length} bytes in a page of ${size}`);
  const levels = numbersOfRuns(body.read(4, 4 + length), width(definition), count);
  return { count, encoding, levels, body, offset: 4 + length };
}

/** DataPageHeaderV2: levels stand in front of the compressed part. */
function secondKind({ file, open, definition }, { details, from, to, size }) {
  const { num_values: count, encoding, is_compressed } = details;
  const { repetition_levels_byte_length: before, definition_levels_byte_length: length } = details;
  if (!(before >= 0 && length >= 0 && before + length <= Math.min(size, to - from))) {
    throw new Error(`levels claim ${before} and ${length} bytes in a page of ${size}`);
  }
  const at = from + before;
  const bits = width(definition);
  const levels = bits > 0 ? numbersOfRuns(file.bytes(at, length), bits, count) : undefined;
  const values = { at: at + length, size: size - before - length };
  const body =
    values.size === 0
      ? plainBody(file, values.at, values.at, 0)
      : (is_compressed === false ? plainBody : open)(file, values.at, to, values.size);
  return { count, encoding, levels, body, offset: 0 };
}

const width = (level) => 32 - Math.clz32(level);

export const uint32 = (bytes) =>
  (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
