// Loads TensorFlow through the addon, multiplies two matrices, and prints what it is as one line of JSON.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined; // gone from Node 23 on

const tf = require('@tensorflow/tfjs-node-gpu');

const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
const values = Array.from(product.dataSync());
if (values.join() !== '19,22,43,50') throw new Error(`matMul gave ${values}, expected 19,22,43,50`);

const backend = tf.backend();
const devices = [backend.isUsingGpuDevice ? 'GPU' : 'CPU'];
process.stdout.write(`${JSON.stringify({ tensorflow: backend.binding.TF_Version, devices })}\n`);
