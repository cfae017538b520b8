import type { ConfigJson } from './model';

/**
 * Reads a `config.json` field by field and, at the end, refuses what nobody read: a field that is
 * neither known to be harmless nor at the value where it changes nothing.
 */
export class ConfigFields {
  readonly #read = new Set<string>();

  /** @param where names the file in errors, for example `UNet config` */
  constructor(
    readonly where: string,
    readonly json: ConfigJson,
  ) {}

  /** A positive whole number. */
  count(name: string, fallback: number): number {
    const value = this.#value(name, fallback);
    return isCount(value) ? value : this.#wrong(name, 'a positive whole number', value);
  }

  /** A positive whole number, or undefined where the field is absent or null. */
  optionalCount(name: string): number | undefined {
    return (this.#value(name, null) ?? undefined) === undefined ? undefined : this.count(name, 0);
  }

  /** Any finite number. */
  number(name: string, fallback: number): number {
    const value = this.#value(name, fallback);
    return isNumber(value) ? value : this.#wrong(name, 'a number', value);
  }

  /** One of the given values. */
  oneOf<const T>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.#value(name, fallback);
    const found = allowed.find((item) => item === value);
    return found === undefined ? this.#unsupported(name, allowed) : found;
  }

  /** A list of positive whole numbers. */
  counts(name: string, fallback: readonly number[]): readonly number[] {
    const value = this.#value(name, fallback);
    return Array.isArray(value) && value.length > 0 && value.every(isCount)
      ? value
      : this.#wrong(name, 'a list of positive whole numbers', value);
  }

  /** A positive whole number for all `length` levels, or a list with one for each. */
  perLevel(name: string, fallback: number, length: number): readonly number[] {
    const value = this.#value(name, fallback);
    if (isCount(value)) return Array(length).fill(value);
    return Array.isArray(value) && value.length === length && value.every(isCount)
      ? value
      : this.#wrong(name, `a positive whole number or a list of ${length}`, value);
  }

  /** Kinds of blocks, each one of those allowed; in diffusers 0.1 they began with `UNetRes`, which it takes to this day. */
  blockTypes<const T extends string>(name: string, allowed: readonly T[], fallback: readonly T[]) {
    const value = this.#value(name, fallback);
    if (!Array.isArray(value)) return this.#wrong(name, 'a list', value);
    return value.map((item) => {
      const type = String(item).replace(/^UNetRes/, '');
      return allowed.find((known) => known === type) ?? this.#unsupported(name, allowed);
    });
  }

  /** A `config.json` inside this one; empty where it is absent or null. */
  nested(name: string): ConfigJson {
    const value = this.#value(name, {}) ?? {};
    return isObject(value) ? value : this.#wrong(name, 'an object', value);
  }

  /**
   * Fields that would change the computation: each must be absent or at its neutral value. Null is
   * as good as false or 0; beside another value it means "without" and is refused.
   */
  neutral(fields: Readonly<Record<string, unknown>>): void {
    for (const [name, expected] of Object.entries(fields)) {
      const value = this.#value(name, expected);
      if (value === null && !expected) continue;
      if (JSON.stringify(value) !== JSON.stringify(expected)) this.#unsupported(name, [expected]);
    }
  }

  /** Fields that do not enter the computation, whatever they say. */
  harmless(names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** Refuses every field that was not read. Names with a leading underscore are notes of the writer. */
  finish(): void {
    for (const [name, value] of Object.entries(this.json)) {
      if (this.#read.has(name) || name.startsWith('_') || value === null) continue;
      throw new RangeError(
        `${this.where}: field "${name}" (${JSON.stringify(value)}) is unknown and might change the computation.`,
      );
    }
  }

  /** Throws a sentence that names this config. */
  fail(problem: string): never {
    throw new RangeError(`${this.where}: ${problem}.`);
  }

  #value(name: string, fallback: unknown): unknown {
    this.#read.add(name);
    const value = this.json[name];
    return value === undefined ? fallback : value;
  }

  #wrong(name: string, expected: string, value: unknown): never {
    return this.fail(`"${name}" must be ${expected}, got ${JSON.stringify(value)}`);
  }

  #unsupported(name: string, allowed: readonly unknown[]): never {
    const options = allowed.map((value) => JSON.stringify(value)).join(' or ');
    const got = JSON.stringify(this.json[name]);
    return this.fail(`"${name}" is ${got}, which is not supported (expected ${options})`);
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function isObject(value: unknown): value is ConfigJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
