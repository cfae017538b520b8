// Compiles the fused kernels into build/dpo_kernels.node, and log-level.cc into build/log_level.node, with the
// system's C++ compiler.
// Plain Node, no packages: set-up imports it, and `node kernels/tensorflow/build-kernels.mjs` runs it.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Sources compiled once for each instruction set; the others are compiled once. */
const NUMERIC = [
  'adafactor.cc',
  'attention.cc',
  'attention-grad.cc',
  'bias.cc',
  'convolution.cc',
  'decode.cc',
  'elementwise.cc',
  'geglu.cc',
  'group-norm.cc',
  'group-norm-grad.cc',
  'layer-norm.cc',
  'linear.cc',
  'optimizer.cc',
  'table.cc',
];

/** An addon of its own, which must not need TensorFlow: it is loaded before. */
const LOG_LEVEL = 'log-level.cc';

const PORTABLE = { isa: 'portable', flags: [], vectorBytes: 16 };
const AVX512 = ['-march=x86-64-v4', '-mprefer-vector-width=512'];
const VARIANTS = {
  x64: [
    { isa: 'avx512bf16', flags: [...AVX512, '-mavx512bf16'], vectorBytes: 64 },
    { isa: 'avx512', flags: AVX512, vectorBytes: 64 },
    { isa: 'avx2', flags: ['-march=x86-64-v3'], vectorBytes: 32 },
    PORTABLE,
  ],
};

/** Names of the instruction sets that kernels built here can run on, as DPO_ISA names them. */
export const instructionSets = (VARIANTS[process.arch] ?? [PORTABLE]).map(({ isa }) => isa);

// No -ffast-math and nothing of its finite or associative parts: NaN and infinity must pass
// through, and reassociation would delete the rounding inside exp.
const FLAGS = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
  '-Wno-maybe-uninitialized',
  '-Wno-missing-field-initializers',
  '-DNAPI_VERSION=8',
];

/** Paths of everything the built kernels depend on in this folder, sorted. */
export function kernelSources(root) {
  const folder = path.join(root, 'kernels', 'tensorflow');
  return readdirSync(folder)
    .filter((name) => /\.(cc|h)$/.test(name) || name === 'build-kernels.mjs')
    .concat('addon/handle-table.h')
    .sort()
    .map((name) => path.join(folder, name));
}

/** The compiler to use: $CXX, else the first of c++, g++, clang++ that answers. */
async function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  for (const name of names) {
    try {
      await run(name, ['--version']);
      return name;
    } catch {}
  }
  throw new Error(`No C++ compiler answers to ${names.join(', ')}.`);
}

/** One compiler call for each numeric source and instruction set, and for each other source. */
function compileJobs(folder, scratch, options) {
  const variants = VARIANTS[process.arch] ?? [PORTABLE];
  const job = (source, suffix, flags) => {
    const object = path.join(scratch, `${path.basename(source, '.cc')}${suffix}.o`);
    return { object, args: [...FLAGS, ...flags, ...options, '-c', source, '-o', object] };
  };
  const apart = [...NUMERIC, LOG_LEVEL];
  const others = readdirSync(folder).filter((n) => n.endsWith('.cc') && !apart.includes(n));
  return [
    ...NUMERIC.flatMap((name) =>
      variants.map(({ isa, flags, vectorBytes }) =>
        job(path.join(folder, name), `-${isa}`, [
          ...flags,
          `-DDPO_ISA=${isa}`,
          `-DDPO_VECTOR_BYTES=${vectorBytes}`,
        ]),
      ),
    ),
    ...others.map((name) => job(path.join(folder, name), '', [])),
  ];
}

async function compile(compiler, args) {
  try {
    const { stderr } = await run(compiler, args, { maxBuffer: 1 << 24 });
    return stderr;
  } catch (error) {
    throw new Error(`${compiler} failed:\n${error.stderr || error.message}`);
  }
}

const mac = process.platform === 'darwin';
const ADDON_FLAGS = mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];

function linkArguments({ objects, flags, tensorflow, folder, output }) {
  const library = (name) =>
    path.join(tensorflow, mac ? `libtensorflow_${name}.2.dylib` : `libtensorflow_${name}.so.2`);
  const origin = mac ? '@loader_path' : '$ORIGIN';
  return [
    ...ADDON_FLAGS,
    ...flags,
    ...objects,
    library('cc'),
    library('framework'),
    `-Wl,-rpath,${origin}/${path.relative(folder, tensorflow)}`, // not path.join: $ORIGIN/.. is not nothing
    '-o',
    output,
  ];
}

/**
 * Builds `dpo_kernels.node` and `log_level.node` in `output`, by default `kernels/tensorflow/build` under `root`;
 * publishes them by rename. `flags` go to the compiler and the linker of the kernels. `onLine` receives one line for
 * each step and each compiler warning. Returns the path of the kernels.
 */
export async function buildKernels({ root, output, flags = [], onLine = () => {} }) {
  const folder = path.join(root, 'kernels', 'tensorflow');
  const target = output ?? path.join(folder, 'build');
  const tensorflow = path.join(folder, 'build', 'tensorflow');
  mkdirSync(target, { recursive: true });
  const scratch = mkdtempSync(path.join(target, 'kernels-'));
  try {
    const compiler = await findCompiler();
    const includes = [
      `-I${path.join(tensorflow, 'include')}`,
      `-I${path.join(root, 'node_modules', 'node-api-headers', 'include')}`,
    ];
    const jobs = compileJobs(folder, scratch, [...includes, ...flags]);
    let next = 0;
    const worker = async () => {
      while (next < jobs.length) {
        const number = ++next;
        const { object, args } = jobs[number - 1];
        const warnings = await compile(compiler, args);
        onLine(`kernels ${number}/${jobs.length}: ${path.basename(object, '.o')}`);
        if (warnings) onLine(warnings.trimEnd());
      }
    };
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8) }, worker));
    const logLevel = path.join(scratch, 'log_level.node');
    const logLevelSource = path.join(folder, LOG_LEVEL);
    const alone = [...FLAGS, ...ADDON_FLAGS, ...includes];
    await compile(compiler, [...alone, logLevelSource, '-o', logLevel]);
    renameSync(logLevel, path.join(target, 'log_level.node'));
    const built = path.join(scratch, 'dpo_kernels.node');
    const objects = jobs.map(({ object }) => object);
    await compile(
      compiler,
      linkArguments({ objects, flags, tensorflow, folder: target, output: built }),
    );
    const published = path.join(target, 'dpo_kernels.node');
    renameSync(built, published);
    return published;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
  await buildKernels({ root, onLine: (line) => process.stdout.write(`${line}\n`) });
}
