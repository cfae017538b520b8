// Stamps: a finished result carries the hash of what it was made from, so that nothing is made twice.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Hash of the inputs of a step: strings and the contents of files. */
export function inputHash({ values = [], files = [] }) {
  const hash = createHash('sha256');
  for (const value of values) hash.update(`${value}\0`);
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** True when `stamp` says `hash` and every output is there. */
export function isCurrent(stamp, hash, outputs) {
  return readStamp(stamp) === hash && outputs.every((path) => existsSync(path));
}

function readStamp(stamp) {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : undefined;
}

export function writeStamp(stamp, hash) {
  writeFileSync(`${stamp}.new`, `${hash}\n`);
  renameSync(`${stamp}.new`, stamp);
}

/** Puts a finished folder or file in place of the old one; the old one lives until the new one is ready. */
export function publish(fresh, target) {
  const old = `${target}.old`;
  mkdirSync(dirname(target), { recursive: true });
  rmSync(old, { recursive: true, force: true });
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
}
