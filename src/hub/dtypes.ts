import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../engine/half';

/** Element types of a safetensors file that this project reads and writes. */
export type FileDType = 'F32' | 'F16' | 'BF16' | 'F64' | 'I64' | 'I32' | 'U8' | 'BOOL';

/** Elements in memory: F16 and BF16 widened to float32, I64 as bigint, BOOL as bytes 0 and 1. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

interface Codec {
  readonly bytes: number;
  readonly array: { readonly name: string; new (buffer: ArrayBuffer): TensorData };
  /** From file bytes that start at offset 0 of their buffer. */
  decode(bytes: ArrayBuffer): TensorData;
  encode(data: TensorData): ArrayBufferView;
}

const plain = (bytes: number, array: Codec['array']): Codec => ({
  bytes,
  array,
  decode: (buffer) => new array(buffer),
  encode: (data) => data,
});

const half = (
  widen: (halves: Uint16Array) => Float32Array,
  round: (floats: Float32Array) => Uint16Array,
): Codec => ({
  bytes: 2,
  array: Float32Array,
  decode: (buffer) => widen(new Uint16Array(buffer)),
  encode: (data) => round(data as Float32Array),
});

const CODECS: Readonly<Record<FileDType, Codec>> = {
  F32: plain(4, Float32Array),
  F16: half(float16ToFloat32, float32ToFloat16),
  BF16: half(bfloat16ToFloat32, float32ToBfloat16),
  F64: plain(8, Float64Array),
  I64: plain(8, BigInt64Array),
  I32: plain(4, Int32Array),
  U8: plain(1, Uint8Array),
  BOOL: plain(1, Uint8Array),
};

export function isFileDType(dtype: string): dtype is FileDType {
  return Object.hasOwn(CODECS, dtype);
}

export const FILE_DTYPES = Object.keys(CODECS).join(', ');

export function bytesPerElement(dtype: FileDType): number {
  return CODECS[dtype].bytes;
}

/** Elements from little-endian file bytes. */
export function decodeElements(dtype: FileDType, bytes: ArrayBuffer): TensorData {
  return CODECS[dtype].decode(bytes);
}

/** Little-endian file bytes of `data`. @throws TypeError where the array's type is not the one `dtype` has in memory. */
export function encodeElements(dtype: FileDType, data: TensorData): Uint8Array {
  const { array, encode } = CODECS[dtype];
  if (!(data instanceof array)) {
    throw new TypeError(`${dtype} is written from a ${array.name}; got ${data.constructor.name}.`);
  }
  const view = encode(data);
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}

/** Any numeric elements as float32, rounded once where they are wider. */
export function toFloat32(data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  return data instanceof BigInt64Array ? Float32Array.from(data, Number) : Float32Array.from(data);
}
