export type { TwisterState } from './mt19937';
export { numpyPermutation } from './numpy-permutation';
export { PythonRandom } from './python-random';
export { shuffledOrder } from './shuffled-order';
export { type GeneratorState, TorchGenerator } from './torch-generator';
