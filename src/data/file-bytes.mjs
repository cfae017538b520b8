// Bytes of a file, by position; what is read is counted.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const WINDOW = 4096;
const counted = { bytes: 0 };

/** How many bytes were read since this was asked last. */
export function bytesRead() {
  const { bytes } = counted;
  counted.bytes = 0;
  return bytes;
}

/** Opens a file for as long as `use` takes. */
export async function withFile(path, use) {
  const descriptor = openSync(path, 'r');
  try {
    return await use(new FileBytes(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

class FileBytes {
  window = new Uint8Array(0);
  windowStart = 0;

  constructor(descriptor) {
    this.descriptor = descriptor;
    this.byteLength = fstatSync(descriptor).size;
  }

  /** As hyparquet asks for them. */
  async slice(start, end = this.byteLength) {
    return this.read(start, end).buffer;
  }

  read(start, end) {
    if (!(start >= 0 && start <= end && end <= this.byteLength)) {
      throw new Error(`bytes ${start} to ${end} are not inside the file`);
    }
    const bytes = new Uint8Array(end - start);
    for (let done = 0; done < bytes.length; ) {
      const n = readSync(this.descriptor, bytes, done, bytes.length - done, start + done);
      if (n === 0) throw new Error('the file became shorter while it was read');
      done += n;
      counted.bytes += n;
    }
    return bytes;
  }

  /** A few bytes, good until the next call: those around them are read along, and kept. */
  bytes(start, count) {
    const inside = start - this.windowStart;
    if (!(inside >= 0 && inside + count <= this.window.length)) {
      const wanted = Math.max(start + count, Math.min(start + WINDOW, this.byteLength));
      this.window = this.read(start, wanted);
      this.windowStart = start;
      return this.window.subarray(0, count);
    }
    return this.window.subarray(inside, inside + count);
  }
}

/** Bytes in memory, asked for as those of a file. */
export class MemoryBytes {
  constructor(content) {
    this.content = content;
  }

  read(start, end) {
    return this.content.subarray(start, end);
  }

  bytes(start, count) {
    return this.content.subarray(start, start + count);
  }
}
