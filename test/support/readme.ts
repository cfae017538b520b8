/** The README, and what it tells people to type. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '..', '..');
export const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The scripts of package.json by name. */
export const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Every npm script that the README names, wherever it does. */
export const namedScripts: readonly string[] = [
  ...new Set(
    [...readme.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[a-z]+(?::[a-z-]+)?)\b/g)].map(
      ([, name = '']) => name,
    ),
  ),
];

/** The arguments that the README itself shows for a script, each time: the words after `--`, quotes taken off. */
export const allShownArguments = (script: string): string[][] =>
  [...readme.matchAll(new RegExp(`^npm run ${script} -- ([^#\\n]+)`, 'gm'))].map(([, line = '']) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? ''),
  );

/** The first of them. */
export const shownArguments = (script: string): string[] => allShownArguments(script)[0] ?? [];

/** The code of the first block in TypeScript. */
export const firstCell = readme.match(/^```ts\n(.*?)^```/ms)?.[1] ?? '';
