import type { Fields } from './scheduler-classes';

/** A scheduler configuration that names something this project does not compute. */
export class SchedulerConfigError extends Error {
  override readonly name = 'SchedulerConfigError';
}

/** @throws SchedulerConfigError saying what a field is, and what is supported */
export function refuse(field: string, value: unknown, allowed: string): never {
  const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
  throw new SchedulerConfigError(
    `scheduler_config.json: "${field}" is ${shown}; supported: ${allowed}.`,
  );
}

/** A field that is one of several words, the first where the class does not have it. */
export function choice<T extends string>(fields: Fields, field: string, allowed: readonly T[]): T {
  const value = fields[field] ?? allowed[0];
  return allowed.find((a) => a === value) ?? refuse(field, value, allowed.join(', '));
}

/** A number for which `isAllowed` holds; 0 where the class does not have the field. */
export function number(
  fields: Fields,
  field: string,
  isAllowed: (x: number) => boolean,
  allowed: string,
): number {
  const value = fields[field] ?? 0;
  return typeof value === 'number' && isAllowed(value) ? value : refuse(field, value, allowed);
}

/** true or false; false where the class does not have the field. */
export function flag(fields: Fields, field: string): boolean {
  const value = fields[field] ?? false;
  return typeof value === 'boolean' ? value : refuse(field, value, 'true, false');
}

export const isCount = (x: number) => Number.isInteger(x) && x >= 0;
