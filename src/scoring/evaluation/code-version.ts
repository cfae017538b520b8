import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Which sources a number was computed by. */
export interface CodeVersion {
  /** Of the package. */
  readonly version: string;
  /** Commit of the sources, `-dirty` where they were changed since; missing where they are no clone. */
  readonly commit?: string;
}

const ROOT = resolve(__dirname, '..', '..', '..');

export function codeVersion(): CodeVersion {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as CodeVersion;
  if (!existsSync(join(ROOT, '.git'))) return { version };
  const args = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? { version, commit: stdout.trim() } : { version };
}
