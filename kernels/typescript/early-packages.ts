/** Loads packages while the compiler is at work on the first cell, which takes it longer. */
import { createRequire } from 'node:module';

/**
 * Those of the library's that take long. TensorFlow itself waits for the cell that needs it: cells before may still
 * set its environment and DPO_THREADS, DPO_KERNELS.
 */
export function loadEarly(): void {
  const tfjsNode = createRequire(require.resolve('@tensorflow/tfjs-node-gpu'));
  tfjsNode('@tensorflow/tfjs');
  tfjsNode('@mapbox/node-pre-gyp');
  require('sharp');
  require('hyparquet-writer');
}
