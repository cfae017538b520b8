// TensorBoard's event files: TFRecords of `Event` messages. Field numbers: tensorboard/compat/proto/event.proto,
// summary.proto, tensor.proto; wire format: https://protobuf.dev/programming-guides/encoding; frames and the masked
// CRC: tensorflow/core/lib/io/record_writer.cc.

/** A figure, a text or a PNG under a tag. */
export type SummaryValue = { readonly tag: string } & (
  | { readonly scalar: number }
  | { readonly text: string }
  | { readonly png: Uint8Array }
);

/** One event: the file's first, the mark where a resumed run goes on, or values of a step. */
export type TensorBoardEvent = {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
} & (
  | { readonly fileVersion: string; readonly writer?: string }
  | { readonly sessionLog: 'start' }
  | { readonly values: readonly SummaryValue[] }
);

/** The bytes of an `Event` message. */
export function encodeEvent(event: TensorBoardEvent): Buffer {
  const head = [double(1, event.wallTime), integer(2, event.step ?? 0)];
  if ('fileVersion' in event) {
    const source = event.writer === undefined ? [] : [message(10, text(1, event.writer))];
    return Buffer.concat([...head, text(3, event.fileVersion), ...source]);
  }
  if ('sessionLog' in event) return Buffer.concat([...head, message(7, integer(1, START))]);
  return Buffer.concat([...head, message(5, ...event.values.map(summaryValue))]);
}

const START = 1; // SessionLog.SessionStatus
const DT_STRING = 7; // DataType

function summaryValue(value: SummaryValue): Buffer {
  if ('scalar' in value) return message(1, text(1, value.tag), float(2, value.scalar));
  if ('png' in value) return message(1, text(1, value.tag), image(value.png));
  const shape = message(2, message(2, integer(1, 1))); // one dimension, of size 1
  const tensor = message(8, integer(1, DT_STRING), shape, text(8, value.text));
  const metadata = message(9, message(1, text(1, 'text'))); // shown by the plugin "text"
  return message(1, text(1, value.tag), tensor, metadata);
}

/** Channels of PNG's colour types; PNG specification, 11.2.1. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** @throws RangeError unless the bytes begin as a PNG does. */
function image(png: Uint8Array): Buffer {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const channels = bytes.length > 25 ? CHANNELS[bytes.readUInt8(25)] : undefined;
  if (channels === undefined || bytes.toString('latin1', 1, 4) !== 'PNG')
    throw new RangeError('TensorBoard is given pictures as PNG; these bytes are none.');
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  return message(4, integer(1, height), integer(2, width), integer(3, channels), blob(4, bytes));
}

/** A record as it stands in the file: length, its CRC, data, their CRC. */
export function frameRecord(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

function maskedCrc(bytes: Uint8Array): Buffer {
  const crc = crc32c(bytes);
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

/** CRC-32C (Castagnoli): the reflected polynomial is 0x82F63B78. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

// Wire types: 0 varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes.

/** Absent where it is 0, as proto3 has it. */
const integer = (field: number, value: number) =>
  value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field << 3), varint(value)]);

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

const blob = (field: number, bytes: Uint8Array) =>
  Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
const text = (field: number, value: string) => blob(field, Buffer.from(value, 'utf8'));
const message = (field: number, ...parts: readonly Buffer[]) => blob(field, Buffer.concat(parts));

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
