import { execute, type TfjsBackend, type TfTensor, tfjsBackend } from './backend';
import type { DType } from './dtype';
import { dtype } from './ops/call';
import { Tensor } from './tensor';

const backend: TfjsBackend = tfjsBackend;

/** A second handle to the same memory: TensorFlow's Identity shares the buffer, nothing is copied. */
const share = (id: number, type: DType) => execute('Identity', { T: dtype(type) }, [id], 1)[0];

/** A `tf.Tensor` as an engine tensor over the same memory, without a copy. */
export function fromTf(t: TfTensor): Tensor {
  if (t.dtype !== 'float32' && t.dtype !== 'int32' && t.dtype !== 'bool')
    throw new TypeError(`The engine computes with float32, int32 and bool, not ${t.dtype}.`);
  const [id] = backend.getInputTensorIds([t]);
  const shared = id === undefined ? undefined : share(id, t.dtype);
  if (!shared) throw new Error('The tf.Tensor has no handle in the TensorFlow backend.');
  return new Tensor(shared);
}

/**
 * An engine tensor as a `tf.Tensor` over the same memory; tfjs owns and frees that. Say which type it shall
 * have: `toTf<tf.Tensor2D>(x)`.
 */
export function toTf<T extends TfTensor = TfTensor>(t: Tensor): T {
  if (t.dtype === 'bfloat16')
    throw new TypeError("tfjs has no bfloat16; cast the tensor to 'float32' first.");
  const shared = share(t.id, t.dtype);
  if (!shared) throw new Error('TensorFlow could not share the tensor.');
  return backend.createOutputTensor(shared) as T;
}
