// Runs of small numbers: levels, and entries of dictionaries. Format: apache/parquet-format, Encodings.md, "RLE /
// Bit-Packing Hybrid": one number repeated, or groups of 8 numbers packed.

/** The first `count` numbers of `bits` bits. @throws Error if there are fewer. */
export function numbersOfRuns(bytes, bits, count) {
  if (!(bits <= 32)) throw new Error(`numbers of ${bits} bits`);
  const out = new Uint32Array(count);
  const run = { at: 0 };
  for (let done = 0; done < count; ) {
    const head = varint(bytes, run);
    const numbers = (head >>> 1) * (head & 1 ? 8 : 1);
    const many = Math.min(numbers, count - done);
    if (many === 0) throw new Error('a run of no numbers');
    if (head & 1) unpackBits(bytes, run.at, bits, out.subarray(done, done + many));
    else out.fill(littleEndian(bytes, run.at, Math.ceil(bits / 8)), done, done + many);
    run.at += head & 1 ? (head >>> 1) * bits : Math.ceil(bits / 8);
    done += many;
  }
  return out;
}

function varint(bytes, run) {
  let value = 0;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = littleEndian(bytes, run.at++, 1);
    value |= (byte & 127) << shift;
    if (byte < 128) return value >>> 0;
  }
  throw new Error('a run is too long');
}

function unpackBits(bytes, at, bits, out) {
  for (let i = 0; i < out.length; i++) {
    let value = 0;
    for (let bit = 0; bit < bits; bit++) {
      const place = i * bits + bit;
      const byte = littleEndian(bytes, at + (place >> 3), 1);
      value += ((byte >> (place & 7)) & 1) * 2 ** bit;
    }
    out[i] = value;
  }
}

function littleEndian(bytes, at, count) {
  if (at + count > bytes.length) throw new Error('runs of numbers end too early');
  let value = 0;
  for (let i = count; i-- > 0; ) value = value * 256 + bytes[at + i];
  return value;
}
