// Snappy that can be entered in the middle. Format: google/snappy, format_description.txt.
// An element is a literal (bytes that follow it) or a copy of bytes already unpacked. The reference compressor begins
// anew every 64 KiB; where no later copy reaches back behind such a point, unpacking can begin there.

const FRAGMENT = 65_536;
/** Literals this long are remembered, so that bytes inside them are read as they stand. */
const LONG_LITERAL = 1024;

const TOO_EARLY = 'a compressed page ends too early';

/**
 * The element at the head of `bytes`: `length` is what it unpacks to, `size` what it takes, a literal's own bytes left
 * out; `back` is how far behind a copy starts, 0 for a literal.
 */
function element(bytes) {
  const tag = bytes[0];
  const high = tag >> 2;
  switch (tag & 3) {
    case 0: {
      const extra = Math.max(0, high - 59);
      return { length: 1 + (extra === 0 ? high : number(bytes, extra)), size: 1 + extra, back: 0 };
    }
    case 1:
      return { length: 4 + (high & 7), size: 2, back: checked(((tag >> 5) << 8) | bytes[1]) };
    case 2:
      return { length: 1 + high, size: 3, back: checked(number(bytes, 2)) };
    default:
      return { length: 1 + high, size: 5, back: checked(number(bytes, 4)) };
  }
}

/** Little-endian, behind the tag. */
function number(bytes, count) {
  let value = 0;
  for (let i = count; i > 0; i--) value = value * 256 + bytes[i];
  return value;
}

function checked(back) {
  if (back === 0) throw new Error('a compressed page copies from nowhere');
  return back;
}

/** The first `length` bytes that elements unpack to. @throws Error if they are fewer, or copy what was not there. */
export function unpack(bytes, length) {
  const out = new Uint8Array(length);
  for (let at = 0, done = 0; done < length; ) {
    if (at >= bytes.length) throw new Error(TOO_EARLY);
    const { size, back, ...rest } = element(bytes.subarray(at, at + 5));
    const count = Math.min(rest.length, length - done);
    at += size;
    if (back > done) throw new Error('a compressed page copies from before its beginning');
    if (back === 0) {
      if (!(at + count <= bytes.length)) throw new Error(TOO_EARLY);
      out.set(bytes.subarray(at, at + count), done);
      at += count;
    } else if (back >= count) out.copyWithin(done, done - back, done - back + count);
    else for (let i = done; i < done + count; i++) out[i] = out[i - back];
    done += count;
  }
  return out;
}

/**
 * Bytes `from` to `to` of a file, which claim to unpack to `size`. All elements are walked here once; of long literals
 * only the heads are read.
 */
export class PackedBody {
  entries = { unpacked: [0], at: [] };
  literals = { unpacked: [], at: [], length: [] };

  constructor(file, from, to, size) {
    Object.assign(this, { file, to, size });
    this.walk(this.afterLength(from));
  }

  /** Where unpacking must begin and may end for these unpacked bytes; the first `skip` bytes then come before them. */
  place(start, end) {
    const entry = lastAtMost(this.entries.unpacked, start);
    const from = this.entries.at[entry];
    const skip = start - this.entries.unpacked[entry];
    const { unpacked, at, length } = this.literals;
    const i = lastAtMost(unpacked, end - 1);
    const ends = i >= 0 && end <= unpacked[i] + length[i];
    if (ends) return { from, to: at[i] + end - unpacked[i], skip };
    let after = entry;
    while (this.entries.unpacked[after] < end) after++;
    return { from, to: this.entries.at[after] ?? this.to, skip };
  }

  read(start, end) {
    const { unpacked, at, length } = this.literals;
    const i = lastAtMost(unpacked, start);
    if (i >= 0 && end <= unpacked[i] + length[i]) {
      return this.file.bytes(at[i] + start - unpacked[i], end - start);
    }
    const { from, to, skip } = this.place(start, end);
    return unpack(this.file.bytes(from, to - from), skip + end - start).subarray(skip);
  }

  /** The length that stands before the elements: 7 bits a byte, the lowest first. */
  afterLength(from) {
    const bytes = this.file.bytes(from, Math.min(5, this.to - from));
    let [length, count] = [0, 0];
    do length += (bytes[count] & 127) * 2 ** (7 * count);
    while (bytes[count++] >= 128);
    if (length === this.size) return from + count;
    throw new Error(`a page claims ${this.size} bytes and its compressed part ${length}`);
  }

  walk(first) {
    let done = 0;
    let at = first;
    this.entries.at.push(first);
    while (at < this.to) {
      const { length, size, back } = element(this.file.bytes(at, Math.min(5, this.to - at)));
      if (done > 0 && done % FRAGMENT === 0) this.enter(done, at);
      if (back > done) throw new Error('a compressed page copies from before its beginning');
      if (back > 0) this.leaveAfter(done - back);
      else if (length >= LONG_LITERAL) this.remember(done, at + size, length);
      at += size + (back === 0 ? length : 0);
      done += length;
      if (!(at <= this.to)) throw new Error(TOO_EARLY);
    }
    if (done === this.size) return;
    throw new Error(`a page claims ${this.size} bytes and unpacks to ${done}`);
  }

  enter(unpacked, at) {
    this.entries.unpacked.push(unpacked);
    this.entries.at.push(at);
  }

  /** A copy from here needs an entry at or before it. */
  leaveAfter(source) {
    while (this.entries.unpacked.at(-1) > source) {
      this.entries.unpacked.pop();
      this.entries.at.pop();
    }
  }

  remember(unpacked, at, length) {
    this.literals.unpacked.push(unpacked);
    this.literals.at.push(at);
    this.literals.length.push(length);
  }
}

/** Position of the last number that is not above `value`, of rising ones; −1 if there is none. */
function lastAtMost(numbers, value) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
