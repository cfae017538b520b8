/** What `npm run doctor` looks at. Nothing here holds a path, a user name, a host name or the value of a secret. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { threadsFor, usableProcessors } from '../engine/threads';

/** One row of the table: what, and what was found. */
export type Fact = readonly [part: string, found: string];

const root = resolve(__dirname, '../..');

interface Answer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program prints; a program that is not there is an answer too. */
function ask(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Answer {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, ...env },
  });
  return { ok: status === 0, stdout: stdout ?? '', stderr: stderr ?? '' };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function compiler(): string {
  for (const name of process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']) {
    const { ok, stdout } = ask(name, ['--version']);
    if (ok) return stdout.split('\n', 1)[0]?.replace(/^\S*\//, '') ?? '';
  }
  return 'missing';
}

/** Processor, memory, disk, Node, compiler. */
export function machineFacts(): Fact[] {
  const { bavail, bsize } = statfsSync(root);
  const commit = ask('git', ['rev-parse', '--short', 'HEAD']).stdout.trim();
  return [
    ['diffusion-dpo', `${versionOf(join(root, 'package.json'))}${commit ? ` (${commit})` : ''}`],
    ['system', `${os.platform()} ${os.release()} ${os.arch()}`],
    [
      'processor',
      `${os.cpus()[0]?.model.trim() ?? 'unknown'}, ${usableProcessors()} of ${os.cpus().length} to use`,
    ],
    ['memory', `${gigabytes(os.freemem())} free of ${gigabytes(os.totalmem())}`],
    ['disk', `${gigabytes(bavail * bsize)} free`],
    ['Node', process.versions.node],
    ['C++ compiler', compiler()],
  ];
}

interface Probe {
  readonly tensorflow: string;
  readonly devices: readonly string[];
  readonly isa: string | null;
}

/** oneDNN says on the error stream that it is on; nothing said means off. */
function onednnState(stderr: string): string {
  const setting = process.env.TF_ENABLE_ONEDNN_OPTS;
  const state = /oneDNN custom operations are on/.test(stderr) ? 'on' : 'off';
  return setting === undefined ? state : `${state} (TF_ENABLE_ONEDNN_OPTS=${setting})`;
}

function graphicsCard(): string {
  const { ok, stdout } = ask('nvidia-smi', [
    '--query-gpu=name,driver_version',
    '--format=csv,noheader',
  ]);
  return ok && stdout.trim() ? stdout.trim().split('\n').join('; ') : 'no NVIDIA card';
}

/** What the engine will set, or why it will refuse. */
function threads(): string {
  try {
    const { kernels, intraOp, interOp } = threadsFor();
    return `kernels ${kernels}, TensorFlow ${intraOp} in an operation, ${interOp} at a time`;
  } catch (error) {
    return `missing, ${(error as Error).message}`;
  }
}

/** TensorFlow as it really loads, in a process of its own. */
export function tensorflowFacts(): Fact[] {
  const probe = join(root, 'kernels/tensorflow/setup/probe.cjs');
  const { ok, stdout, stderr } = ask(process.execPath, [probe], { TF_CPP_MIN_LOG_LEVEL: '0' });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  const card: Fact = ['graphics card', graphicsCard()];
  if (!ok || !line) return [['TensorFlow', 'missing, run npm run setup'], card];
  const facts = JSON.parse(line) as Probe;
  const plain = process.env.DPO_KERNELS === 'plain' ? ', not used (DPO_KERNELS=plain)' : '';
  const kernels = facts.isa ? `${facts.isa}${plain}` : 'missing';
  return [
    ['TensorFlow', `${facts.tensorflow} through tfjs-node-gpu`],
    ['devices', facts.devices.join(', ')],
    card,
    ['GPU path', 'untested: nobody has run it on a GPU yet; its operations are tested on CPUs'],
    ['threads', threads()],
    ['oneDNN', onednnState(stderr)],
    ['native kernels', kernels],
  ];
}

/** Python, JupyterLab's parts, and whether Jupyter finds our kernel through `JUPYTER_PATH`. */
export function pythonFacts(): Fact[] {
  const python = join(root, '.venv/bin/python');
  const pinned = readFileSync(join(root, 'kernels/typescript/requirements.in'), 'utf8');
  const names = ['pip', ...pinned.split('\n').filter((line) => line && !line.startsWith('#'))];
  const code =
    'import sys, json, importlib.metadata as m; print(json.dumps([sys.version.split()[0], *map(m.version, sys.argv[1:])]))';
  const { ok, stdout } = ask(python, ['-I', '-c', code, ...names]);
  if (!ok) return [['Python', 'missing, run npm run setup']];
  const [version = '', ...versions] = JSON.parse(stdout) as string[];
  return [
    ['Python', version],
    ...names.map((name, i): Fact => [name, versions[i] ?? 'missing']),
    ['Jupyter kernel', kernelState(python)],
  ];
}

function kernelState(python: string): string {
  const list = ask(python, ['-I', '-m', 'jupyter', 'kernelspec', 'list', '--json'], {
    JUPYTER_PATH: root,
  });
  if (!list.ok) return 'missing, Jupyter does not answer';
  const { kernelspecs } = JSON.parse(list.stdout) as {
    kernelspecs: Record<string, { resource_dir: string; spec: { display_name: string } }>;
  };
  const ours = kernelspecs.typescript;
  const found = ours && resolve(ours.resource_dir) === join(root, 'kernels/typescript');
  return found ? `found, "${ours.spec.display_name}"` : 'missing from the list of kernels';
}

function versionOf(packageJson: string): string {
  if (!existsSync(packageJson)) return 'missing';
  return (JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }).version;
}

/** Every npm package that package.json pins, as installed; a version that is not the pinned one is shown beside it. */
export function packageFacts(): Fact[] {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  return Object.entries({ ...dependencies, ...devDependencies }).map(([name, wanted]): Fact => {
    const pinned = wanted.replace(/^npm:.*@/, '');
    const found = versionOf(join(root, 'node_modules', name, 'package.json'));
    return [name, found === pinned ? found : `${found}, pinned ${pinned}`];
  });
}
