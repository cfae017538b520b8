// Step 1: the npm packages of package-lock.json, without their install scripts.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { childEnv, runChild } from './child.mjs';
import { missing } from './errors.mjs';
import { cache, downloads, nodeModules, root } from './paths.mjs';
import { findProgram } from './programs.mjs';
import { describeTransfer, formatSeconds, Rate } from './progress.mjs';
import { inputHash, publish, writeStamp } from './stamp.mjs';

const lockfile = join(root, 'package-lock.json');
const stamp = join(nodeModules, '.set-up');
const npmOptions = [
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--loglevel=http', // a line for each fetch, which watchNpm counts
];

/** npm as a command: the one that runs us if npm does, else the one on the PATH. */
function npmCommand() {
  const running = process.env.npm_execpath;
  if (running && basename(running) === 'npm-cli.js' && existsSync(running)) {
    return [process.execPath, running];
  }
  const npm = findProgram('npm');
  if (!npm) throw missing('npm was not found beside Node', 'npm');
  return [npm];
}

/** npm's rule for the `os` and `cpu` of a package: named, or at least not ruled out with "!". */
function allows(list, value) {
  if (!list) return true;
  const ruledOut = list.filter((entry) => entry.startsWith('!'));
  return !list.includes(`!${value}`) && (list.includes(value) || ruledOut.length === list.length);
}

/** True when an install here must bring a package: an optional one only if it is made for this machine. */
function isWanted({ optional, os, cpu, libc }) {
  if (!optional) return true;
  const hasLibc = !libc || libc.includes('glibc');
  return Boolean(os || cpu) && allows(os, process.platform) && allows(cpu, process.arch) && hasLibc;
}

/** Path and entry of each package of the lockfile that an install here must bring. */
function wantedPackages() {
  const { packages } = JSON.parse(readFileSync(lockfile, 'utf8'));
  return Object.entries(packages).filter(([path, entry]) => path !== '' && isWanted(entry));
}

/** True when `node_modules` already holds exactly what the lockfile says (someone ran `npm ci`). */
function alreadyInstalled() {
  const hidden = join(nodeModules, '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return wantedPackages().every(([path, { version }]) => {
    const same = installed[path]?.version === version;
    return same && existsSync(join(root, path, 'package.json'));
  });
}

/** Bytes of all files below a folder; what vanishes while we look does not count. */
function folderBytes(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
  return entries.reduce((bytes, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return bytes + folderBytes(path);
    return bytes + (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** Milliseconds without one answer after which there is no network; npm itself gives up after three minutes. */
const patience = 20_000;
const unreachable = /ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED/;

/** Follows npm by its log of fetches and by what its cache has gained. */
function watchNpm(npmCache, wanted, progress) {
  const before = folderBytes(npmCache);
  const [packages, bytes] = [new Rate(), new Rate()];
  const fetched = new Set();
  let trouble = '';
  let lastAnswer = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const gained = folderBytes(npmCache) - before;
    const left = wanted - fetched.size;
    const perSecond = packages.add(fetched.size, now);
    const parts = [
      trouble,
      `${Math.min(fetched.size, wanted)} of ${wanted} packages`,
      describeTransfer({ bytes: gained, rate: bytes.add(gained, now) }),
      perSecond > 0 && left > 0 ? `${formatSeconds(left / perSecond)} left` : '',
    ];
    progress.update(parts.filter(Boolean).join(' · '));
  }, 500);
  const onLine = (line, child) => {
    const url = /http (?:fetch GET 200|cache) (\S+\.tgz)\b/.exec(line)?.[1];
    if (url) fetched.add(url);
    if (line.includes('http fetch GET 200')) [trouble, lastAnswer] = ['', performance.now()];
    const failure = /http fetch GET \S+ attempt \d+ failed with (\S+)/.exec(line)?.[1];
    if (failure) trouble = `no answer (${failure}), trying again`;
    if (unreachable.test(failure) && performance.now() - lastAnswer > patience) child.kill();
  };
  return { onLine, stop: () => clearInterval(timer) };
}

/** Runs `npm ci` in a folder of its own, so that a working `node_modules` stays until the new one is whole. */
async function installInto(stage, progress) {
  const [command, ...first] = npmCommand();
  const npmCache = join(downloads, 'npm');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  mkdirSync(npmCache, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name));
  }
  const watch = watchNpm(npmCache, wantedPackages().length, progress);
  const places = [`--cache=${npmCache}`, `--prefix=${stage}`];
  try {
    await runChild(
      'installing the npm packages',
      command,
      [...first, 'ci', ...npmOptions, ...places],
      { cwd: stage, env: childEnv({ NODE_ENV: 'development' }), onLine: watch.onLine },
    );
  } finally {
    watch.stop();
  }
}

export const npmPackages = {
  title: 'npm packages',
  bytesNeeded: 0.9e9,
  stamp,
  outputs: [join(nodeModules, '@tensorflow/tfjs-node-gpu'), join(nodeModules, 'tsx')],
  hash: () => inputHash({ values: [process.platform, process.arch], files: [lockfile] }),

  async run(progress, hash) {
    if (alreadyInstalled()) {
      writeStamp(stamp, hash);
      return 'already there';
    }
    const stage = join(cache, 'npm-stage');
    await installInto(stage, progress);
    const fresh = join(stage, 'node_modules');
    writeStamp(join(fresh, basename(stamp)), hash);
    publish(fresh, nodeModules);
    rmSync(stage, { recursive: true, force: true });
    return '';
  },
};
