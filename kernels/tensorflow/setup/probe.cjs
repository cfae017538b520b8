// Loads TensorFlow through the addon and our kernels beside it, multiplies two matrices, and prints one line of JSON:
// { tensorflow, devices, isa }; the last is null while the kernels are not built.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
const { existsSync } = require('node:fs');
const path = require('node:path');
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined; // gone from Node 23 on

const tf = require('@tensorflow/tfjs-node-gpu');

const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
const values = Array.from(product.dataSync());
if (values.join() !== '19,22,43,50') throw new Error(`matMul gave ${values}, expected 19,22,43,50`);

const backend = tf.backend();
const kernels = path.join(__dirname, '../build/dpo_kernels.node');
const native = existsSync(kernels) ? require(kernels) : undefined;
const facts = {
  tensorflow: backend.binding.TF_Version,
  devices: [backend.isUsingGpuDevice ? 'GPU' : 'CPU'],
  isa: native?.isa ?? null,
};
process.stdout.write(`${JSON.stringify(facts)}\n`);
