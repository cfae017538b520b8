/** Everything a notebook uses: `import { … } from '../src'`. Layers of models are in `../src/nn`. */
export * from './data';
export * from './diffusion';
export * from './engine';
export * from './hub';
export * from './models';
export * from './preference';
export * from './random';
export * from './scoring';
export * from './show';
// Of the two that are called so the one of `show`, which hands drawn pictures on to that of the world.
export { compare } from './show';
export * from './toyworld';
export * from './training';
