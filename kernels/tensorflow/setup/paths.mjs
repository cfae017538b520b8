// Where everything lives. All of it is inside the clone, except a download cache that DPO_CACHE may name.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const setupFolder = dirname(fileURLToPath(import.meta.url));
export const root = resolve(setupFolder, '../../..');

export const cache = join(root, '.cache');
/** Downloads: npm's and pip's own caches, and whole wheels. Kept between runs; may be shared by clones. */
export const downloads = process.env.DPO_CACHE ? resolve(process.env.DPO_CACHE) : cache;
export const scratch = join(cache, 'tmp');
export const logFile = join(cache, 'setup.log');
export const lockFile = join(cache, 'setup.lock');

export const nodeModules = join(root, 'node_modules');
export const venv = join(root, '.venv');
export const venvPython = join(venv, 'bin', 'python');
export const build = join(root, 'kernels', 'tensorflow', 'build');
export const tensorflow = join(build, 'tensorflow');
export const tfjs = join(nodeModules, '@tensorflow', 'tfjs-node-gpu');
export const addonFolder = join(tfjs, 'lib', 'napi-v8');
