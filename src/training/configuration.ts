/** The options of a run, and whether a checkpoint belongs to the same. */
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson, type JsonRecord } from './exact-json';
import { trainOptionRows } from './options';

/** Options that say where, how long and how loudly, not what is computed. */
export const NEVER_MATTER: ReadonlySet<string> = new Set([
  ...['output_dir', 'logging_dir', 'cache_dir', 'report_to', 'tracker_project_name'],
  ...['max_train_steps', 'num_train_epochs', 'dry_run', 'preset'],
  ...['checkpointing_steps', 'checkpoints_total_limit', 'save_every_minutes'],
  ...['resume_from_checkpoint', 'hard_skip_resume', 'ignore_config_difference'],
  ...['hub_model_id', 'local_rank'],
]);
const NEVER_MATTERS = /^validation_/;
const SECRET = /(^|_)token$/;

const FLAGS: ReadonlyMap<string, string> = new Map(
  trainOptionRows.map(({ option, flag }) => [option, flag]),
);

/** The flag of an option: `betaDpo`, `beta_dpo` and `--beta_dpo` are one. */
function flagOf(name: string): string {
  const plain = name.replace(/^--/, '');
  return FLAGS.get(plain) ?? plain.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The options without tokens, which belong in no file. */
export function withoutSecrets(config: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !SECRET.test(flagOf(name))));
}

/**
 * Refuses to go on with a run under other options.
 * @param saved options of the checkpoint
 * @param now options of this run
 * @param ignored names of options that may differ
 * @throws Error that names every option that differs, with both values
 */
export function checkConfiguration(
  saved: JsonRecord,
  now: JsonRecord,
  ignored: readonly string[] = [],
): void {
  const [before, after] = [optionsOf(saved), optionsOf(now)];
  const free = new Set(ignored.map(flagOf));
  const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) =>
      !NEVER_MATTER.has(name) &&
      !NEVER_MATTERS.test(name) &&
      !free.has(name) &&
      !isDeepStrictEqual(before.get(name), after.get(name)),
  );
  if (differing.length === 0) return;
  const told = differing.map(
    (name) => `--${name} was ${shown(before.get(name))}, is ${shown(after.get(name))}`,
  );
  throw new Error(
    `The checkpoint is of another configuration: ${told.join('; ')}. ` +
      'Train with its options, or name in --ignore_config_difference those that may differ.',
  );
}

/** As they come back from a file, by flag. */
function optionsOf(config: JsonRecord): ReadonlyMap<string, unknown> {
  const plain = JSON.parse(JSON.stringify(withoutSecrets(config))) as JsonRecord;
  return new Map(Object.entries(plain).map(([name, value]) => [flagOf(name), value]));
}

const shown = (value: unknown) => (value === undefined ? 'not set' : canonicalJson(value));
