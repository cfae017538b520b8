// One set-up at a time per clone: a lock file that holds the process id of its owner.
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

function tryCreate(path) {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns undefined when there is no lock, 0 while its owner has not yet written its name */
function readOwner(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** True when nobody will give the lock back; one without a name is a dead one's after ten seconds. */
function isAbandoned(path, owner) {
  if (owner !== 0) return !isAlive(owner);
  const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
  return Date.now() - mtimeMs > 10_000;
}

/** Takes away the lock of a dead owner; a lock that changed hands meanwhile is put back. */
function removeStale(path, owner) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readOwner(aside) !== owner) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Waits for the lock and takes it.
 * @param onWait called with the owner's process id while another set-up holds it
 * @returns a function that gives the lock back
 */
export async function acquireLock(path, onWait = () => {}) {
  while (!tryCreate(path)) {
    const owner = readOwner(path);
    if (owner === undefined) continue; // given back this moment
    if (isAbandoned(path, owner)) {
      removeStale(path, owner);
    } else {
      if (owner !== 0) onWait(owner);
      await sleep(200);
    }
  }
  return () => {
    if (readOwner(path) === process.pid) rmSync(path, { force: true });
  };
}
