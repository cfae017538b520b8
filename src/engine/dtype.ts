/** Element types the engine computes with. */
export type DType = 'float32' | 'int32' | 'bool' | 'bfloat16';

/** TensorFlow's numbers of the element types (tensorflow/c/tf_datatype.h). */
export const dtypeNumbers = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;

/** The element type of a TensorFlow number; throws TypeError for one the engine has no use for. */
export function dtypeOf(number: number): DType {
  for (const name of ['float32', 'int32', 'bool', 'bfloat16'] as const)
    if (dtypeNumbers[name] === number) return name;
  throw new TypeError(`TensorFlow dtype number ${number} is not one the engine computes with.`);
}

/** True for the types that gradients have. */
export const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'bfloat16';

const sizes = { float32: 4, int32: 4, bool: 1, bfloat16: 2 } as const;

/** Bytes of one element. */
export const bytesOf = (dtype: DType) => sizes[dtype];

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);
