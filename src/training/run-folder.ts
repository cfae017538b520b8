import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/** A folder of one run: what it was told, what it measured, what it made. */
export interface RunFolder {
  /** `<time>-<name>`, unlike every other run's. */
  readonly id: string;
  readonly path: string;
  /** Appends one line to `metrics.jsonl`. */
  log(record: object): void;
  /** Path of a file in the folder; makes the folders on the way. */
  file(...names: readonly string[]): string;
}

/** `2026-03-01T12-30-05`: sorts by time and is a file name everywhere. */
const timeStamp = (time: Date) => time.toISOString().slice(0, 19).replaceAll(':', '-');

/**
 * Makes `runs/<id>/` with `config.json`; a run never writes into the folder of another, also not
 * when two start in the same second.
 * @throws Error where the folder cannot be made
 */
export function createRunFolder(
  root: string,
  name: string,
  config: object,
  { time = new Date() } = {},
): RunFolder {
  mkdirSync(root, { recursive: true });
  return openRunFolder(claim(root, `${timeStamp(time)}-${name}`), config);
}

/** `runs/` of this checkout. */
export const RUNS_FOLDER = resolve(__dirname, '..', '..', 'runs');

/**
 * The folder of the run that this process is part of: what `DPO_RUN_FOLDER` names, as `npm start` does for
 * its notebook, or a new folder below `runs/`.
 */
export function currentRunFolder(name: string, config: object): RunFolder {
  const given = process.env.DPO_RUN_FOLDER;
  return given === undefined
    ? createRunFolder(RUNS_FOLDER, name, config)
    : openRunFolder(given, config);
}

function openRunFolder(path: string, config: object): RunFolder {
  writeFileSync(join(path, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
  return {
    id: basename(path),
    path,
    log: (record) => appendFileSync(join(path, 'metrics.jsonl'), `${JSON.stringify(record)}\n`),
    file: (...names) => {
      const file = join(path, ...names);
      mkdirSync(join(file, '..'), { recursive: true });
      return file;
    },
  };
}

/** The first of `<id>`, `<id>-2`, `<id>-3`, … that nobody has; mkdir fails on an existing folder. */
function claim(root: string, wanted: string): string {
  for (let n = 1; ; n++) {
    const path = join(root, n === 1 ? wanted : `${wanted}-${n}`);
    try {
      mkdirSync(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
