/** Everything a notebook uses: `import { … } from '../src'`. Layers of models are in `../src/nn`. */
export * from './diffusion';
export * from './engine';
export * from './hub';
export * from './models';
export * from './preference';
export * from './random';
export * from './show';
export * from './training';
