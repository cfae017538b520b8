// Runs the steps that are missing, in order. With everything in place this is a few stamp comparisons.
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tfjsAddon } from './addon.mjs';
import { stopChildren } from './child.mjs';
import { explain, SetupError } from './errors.mjs';
import { nativeKernels } from './kernels.mjs';
import { acquireLock } from './lock.mjs';
import { npmPackages } from './npm-packages.mjs';
import { cache, downloads, lockFile, logFile, root, scratch } from './paths.mjs';
import { formatBytes, formatSeconds, Progress } from './progress.mjs';
import { pythonEnvironment } from './python-env.mjs';
import { isCurrent } from './stamp.mjs';
import { tensorflowLibraries } from './tensorflow.mjs';

const steps = [npmPackages, pythonEnvironment, tensorflowLibraries, tfjsAddon, nativeKernels];

/** A step is missing when its stamp is not the hash of its inputs; without its inputs it is missing too. */
function isMissing(step) {
  try {
    return !isCurrent(step.stamp, step.hash(), step.outputs);
  } catch (error) {
    if (error.code === 'ENOENT') return true; // an earlier step has yet to make what this one reads
    throw error;
  }
}

/** @throws SetupError when the disk cannot hold what is about to be made */
export function checkDisk(needed, free) {
  if (free >= needed) return;
  throw new SetupError(
    `The set-up needs ${formatBytes(needed)} of free disk and this disk has ${formatBytes(free)}; free some ("df -h ." shows what is left) and run the same command again.`,
  );
}

/** Everything that can be known to fail is known before the first download. */
function preflight(missing) {
  for (const step of missing) step.preflight?.();
  const { bavail, bsize } = statfsSync(root);
  checkDisk(
    missing.reduce((sum, step) => sum + step.bytesNeeded, 0),
    bavail * bsize,
  );
}

async function runStep(step) {
  const progress = new Progress(step.title);
  try {
    progress.done(await step.run(progress, step.hash()));
  } catch (error) {
    progress.failed();
    throw error instanceof SetupError
      ? error
      : explain(`setting up ${step.title}`, String(error?.stack));
  }
}

/** Does whatever is missing. */
async function setUp() {
  if (!steps.some(isMissing)) return;
  mkdirSync(scratch, { recursive: true });
  const started = performance.now();
  let waiting;
  const release = await acquireLock(lockFile, (owner) => {
    waiting ??= new Progress(`waiting for the set-up of process ${owner}`);
  });
  waiting?.done();
  process.once('exit', release);
  const missing = steps.filter(isMissing); // another set-up may have done it meanwhile
  if (missing.length === 0) return;
  writeFileSync(logFile, '');
  preflight(missing);
  process.stdout.write(`Set-up: ${missing.map((step) => step.title).join(', ')}\n`);
  for (const step of steps) if (isMissing(step)) await runStep(step);
  rmSync(scratch, { recursive: true, force: true });
  if (!process.env.DPO_CACHE) rmSync(join(downloads, 'wheels'), { recursive: true, force: true });
  process.stdout.write(
    `Set-up finished in ${formatSeconds((performance.now() - started) / 1000)}.\n`,
  );
}

let stopping = false;

function stopOn(signal, status) {
  process.once(signal, async () => {
    stopping = true;
    await stopChildren();
    process.stdout.write(
      '\nStopped; what was downloaded is kept, the same command goes on from there.\n',
    );
    process.exit(status);
  });
}

/** The command `npm run setup`, and the first half of every other one. */
export async function main() {
  stopOn('SIGINT', 130);
  stopOn('SIGTERM', 143);
  try {
    mkdirSync(cache, { recursive: true });
    await setUp();
  } catch (error) {
    if (stopping) return; // a child program that we ended ourselves
    const cause = error instanceof SetupError ? error : explain('setting up', String(error?.stack));
    process.stderr.write(`${cause.message}\n`);
    process.exitCode = 1;
  }
}
