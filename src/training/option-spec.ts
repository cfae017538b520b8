/** What stands in a row of the table of training options. */

/** Limits of a number; `above` and `below` are not included. */
export interface NumberLimits {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
  readonly multipleOf?: number;
}

/** One option whose value is a `T`. */
export interface OptionSpec<T = unknown> {
  readonly kind: 'text' | 'integer' | 'number' | 'switch' | 'list' | 'settings';
  /** What it is where nobody says; undefined: nothing. */
  readonly default: T | undefined;
  /** Nobody else can know it. */
  readonly need: 'required' | 'optional';
  readonly help: string;
  readonly limits: NumberLimits;
  /** The only texts that are allowed. */
  readonly choices?: readonly string[];
}

/** The type of a row's value. */
export type ValueOf<S> = S extends OptionSpec<infer T> ? T : never;

type Absent<D> = Extract<D, undefined>;

const row = { need: 'optional', limits: {} } as const;

/** Any text. */
export const text = <D extends string | undefined>(
  value: D,
  help: string,
): OptionSpec<string | Absent<D>> => ({ ...row, kind: 'text', default: value, help });

/** A text that must be given. */
export const requiredText = (help: string): OptionSpec<string> => ({
  ...row,
  kind: 'text',
  default: undefined,
  need: 'required',
  help,
});

/** One of some words. */
export const choice = <const C extends readonly string[]>(
  choices: C,
  value: C[number],
  help: string,
): OptionSpec<C[number]> => ({ ...row, kind: 'text', default: value, help, choices });

/** A whole number. */
export const integer = <D extends number | undefined>(
  value: D,
  limits: NumberLimits,
  help: string,
): OptionSpec<number | Absent<D>> => ({ ...row, kind: 'integer', default: value, limits, help });

/** A number. */
export const number = <D extends number | undefined>(
  value: D,
  limits: NumberLimits,
  help: string,
): OptionSpec<number | Absent<D>> => ({ ...row, kind: 'number', default: value, limits, help });

/** Off unless it is named. */
export const onOff = (help: string): OptionSpec<boolean> => ({
  ...row,
  kind: 'switch',
  default: false,
  help,
});

/** Several texts. */
export const texts = (value: readonly string[], help: string): OptionSpec<readonly string[]> => ({
  ...row,
  kind: 'list',
  default: value,
  help,
});

/** Values by name, on the command line NAME=VALUE. Which there are is checked where they are read. */
export const settings = <T extends object>(help: string): OptionSpec<T | undefined> => ({
  ...row,
  kind: 'settings',
  default: undefined,
  help,
});

/** Puts rows under one title. */
export function group<G extends string, T extends Readonly<Record<string, OptionSpec>>>(
  title: G,
  rows: T,
) {
  const titled = Object.entries(rows).map(([name, spec]) => [name, { ...spec, group: title }]);
  return Object.fromEntries(titled) as { readonly [K in keyof T]: T[K] & { readonly group: G } };
}

/** What a row allows, in words: `an integer, 1 or more`. */
export function allowedValues({ kind, limits, choices }: OptionSpec): string {
  if (choices) return `one of ${choices.map((c) => (c === '' ? "''" : c)).join(', ')}`;
  const kinds = {
    text: 'a text',
    switch: 'true or false',
    list: 'a list of texts',
    settings: 'texts by name',
    number: 'a number',
  };
  if (kind !== 'integer' && kind !== 'number') return kinds[kind];
  const { min, max, above, below, multipleOf } = limits;
  const whole = multipleOf === undefined ? 'an integer' : `a multiple of ${multipleOf}`;
  const what = kind === 'integer' ? whole : kinds.number;
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined && below !== undefined) return `${what} from ${min} to below ${below}`;
  if (above !== undefined) return `${what} above ${above}`;
  return min === undefined ? what : `${what}, ${min} or more`;
}

/** Whether a row allows a value. */
export function isAllowed(spec: OptionSpec, value: unknown): boolean {
  switch (spec.kind) {
    case 'text':
      return typeof value === 'string' && (spec.choices?.includes(value) ?? true);
    case 'switch':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'settings':
      return isTextsByName(value);
    case 'integer':
      return Number.isSafeInteger(value) && within(value as number, spec.limits);
    case 'number':
      return Number.isFinite(value) && within(value as number, spec.limits);
  }
}

const isTextsByName = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === 'string');

function within(x: number, { min, max, above, below, multipleOf = 1 }: NumberLimits): boolean {
  if (multipleOf !== 1 && x % multipleOf !== 0) return false;
  const [low, high] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY];
  const [floor, ceiling] = [above ?? Number.NEGATIVE_INFINITY, below ?? Number.POSITIVE_INFINITY];
  return low <= x && x <= high && floor < x && x < ceiling;
}
