/** After an edit of the sources: the notebook's names lead to the new version, and what is still old is named. */
import path from 'node:path';
import { type Dropped, dropModules } from './modules';
import { reachable } from './reach';

type Locals = { [name: string]: unknown };

const NAMED = 3;
const VARIABLES = 6;

/**
 * Loads sources anew of which one has changed: the names that cells have imported from them mean the new version,
 * whichever cell imported them. Returns what to tell, undefined where nothing was loaded before.
 *
 * @param changed - absolute paths. @param locals - the notebook's variables; imported ones among them are replaced.
 */
export function reloadSources(
  changed: readonly string[],
  root: string,
  locals: Locals,
): string | undefined {
  const dropped = dropModules(changed, root);
  if (dropped === undefined) return undefined;
  const failure = renewNames(dropped, locals);
  const lines = [summary(dropped, root), ...(failure === undefined ? [] : [failure])];
  const old = holdersOfOld(dropped, locals);
  if (old.length > 0) {
    const shown = old.slice(0, VARIABLES).join(', ');
    const more = old.length > VARIABLES ? ` and ${old.length - VARIABLES} more` : '';
    lines.push(
      `Made by the old version, and still like it: ${shown}${more}. Run the cells that made them again.`,
    );
  }
  return lines.join('\n');
}

function summary({ changed, exports }: Dropped, root: string): string {
  const names = changed.map((file) => path.relative(root, file));
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const users = exports.size - changed.length;
  const built = users === 0 ? '' : `, with ${users} module${users === 1 ? '' : 's'} built on it`;
  return `Loaded again: ${names.slice(0, NAMED).join(', ')}${more}${built}.`;
}

/** A name is renewed when its value is the very thing that a module exported. Returns why one could not be. */
function renewNames({ exports, kept }: Dropped, locals: Locals): string | undefined {
  const origins = new Map<unknown, { file: string; name: string | undefined }>();
  for (const [file, exported] of exports) {
    origins.set(exported, { file, name: undefined }); // import * as …
    for (const [name, value] of entries(exported)) {
      if (typeof value === 'function' || (typeof value === 'object' && value !== null))
        if (!origins.has(value) && !kept.has(value)) origins.set(value, { file, name });
    }
  }
  for (const [local, value] of Object.entries(locals)) {
    const origin = origins.get(value);
    if (origin === undefined) continue;
    try {
      const renewed = require(origin.file);
      locals[local] = origin.name === undefined ? renewed : renewed[origin.name];
    } catch (error) {
      return `\`${local}\` is still the old one: ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** `variable (Class)` of each that holds an object whose class is an old version's. */
function holdersOfOld({ exports, kept }: Dropped, locals: Locals): string[] {
  const classes = new Map<unknown, string>();
  for (const exported of exports.values()) {
    for (const [, value] of entries(exported)) {
      if (typeof value === 'function' && isClass(value) && !kept.has(value))
        classes.set(value.prototype, value.name);
    }
  }
  if (classes.size === 0) return [];
  const holders: string[] = [];
  for (const [name, value] of Object.entries(locals)) {
    const found = new Set<string>();
    for (const object of reachable(value, new Set())) {
      for (let proto = Object.getPrototypeOf(object); proto; proto = Object.getPrototypeOf(proto)) {
        const known = classes.get(proto);
        if (known !== undefined) found.add(known);
      }
    }
    if (found.size > 0) holders.push(`\`${name}\` (${[...found].join(', ')})`);
  }
  return holders;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

/** What a module exports, re-exports included: those are getters. */
function entries(exported: unknown): [string, unknown][] {
  return typeof exported === 'object' && exported !== null ? Object.entries(exported) : [];
}
