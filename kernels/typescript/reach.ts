/** What can be reached from a notebook's variables, without running anything of theirs. */

/** Objects looked at before a search gives up: a tree of weights has some thousand, a parsed file may have millions. */
const LIMIT = 200_000;

/**
 * Every object that `value` holds, itself included, each once over all calls with one `seen`. Properties behind
 * getters, private fields and what closures hold are not reached.
 *
 * @param isLeaf - what such an object holds is not looked at
 */
export function* reachable(
  value: unknown,
  seen: Set<object>,
  isLeaf: (object: object) => boolean = () => false,
): Generator<object> {
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && seen.size < LIMIT) {
    const next = waiting.pop();
    if (next === null || (typeof next !== 'object' && typeof next !== 'function')) continue;
    if (seen.has(next)) continue;
    seen.add(next);
    yield next;
    if (!isLeaf(next)) waiting.push(...held(next).reverse()); // taken from the end: in order
  }
}

function held(owner: object): unknown[] {
  if (ArrayBuffer.isView(owner)) return [];
  if (owner instanceof Map) return [...owner.keys(), ...owner.values()];
  if (owner instanceof Set) return [...owner];
  const values: unknown[] = [];
  for (const name of Reflect.ownKeys(owner)) {
    const property = Reflect.getOwnPropertyDescriptor(owner, name);
    if (property !== undefined && 'value' in property && name !== 'prototype')
      values.push(property.value);
  }
  return values;
}
