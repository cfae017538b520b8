/** JSON that reads back as exactly what was written. */

/** What a JSON file of a run holds. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/**
 * `JSON.stringify` that refuses what JSON would change: NaN, infinities, −0, bigints, typed arrays. Properties that are
 * undefined are left out.
 * @throws RangeError naming the property
 */
export function exactJson(value: JsonRecord, indent?: number): string {
  refuseInexact(value, '');
  return `${JSON.stringify(value, undefined, indent)}\n`;
}

function refuseInexact(value: unknown, path: string): void {
  const exact =
    value === undefined ||
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0));
  if (exact) return;
  if (typeof value !== 'object' || ArrayBuffer.isView(value))
    throw new RangeError(`JSON cannot hold "${path}" exactly: ${String(value)}.`);
  for (const [name, part] of Object.entries(value))
    refuseInexact(part, path === '' ? name : `${path}.${name}`);
}

/** The same text for equal records, whatever the order of their properties. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
