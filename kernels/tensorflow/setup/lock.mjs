// One set-up at a time per clone: a lock file that holds the process id of its owner.
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
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

function readOwner(path) {
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
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
    if (owner === 0) await sleep(50); // created, its owner not yet written
    if (owner !== 0 && !isAlive(owner)) removeStale(path, owner);
    else {
      onWait(owner);
      await sleep(200);
    }
  }
  return () => {
    if (readOwner(path) === process.pid) rmSync(path, { force: true });
  };
}
