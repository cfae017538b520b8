import { ArgumentTypeError } from 'argparse';
import { integer } from './args';

const MOST = 10_000;
const seed = integer({ min: 0 });

/** One seed, `7`; or several, all different: `0..15`, `3,5,8`, `0..3,9`. */
export function seeds(value: string): number | readonly number[] {
  if (!/[.,]/.test(value)) return seed(value);
  const listed = value.split(',').flatMap((part) => {
    const [first = 0, last = first, ...rest] = part.split('..').map(seed);
    if (rest.length > 0 || last < first || last - first >= MOST) refuse(value);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  if (new Set(listed).size !== listed.length || listed.length > MOST) refuse(value);
  return listed;
}

function refuse(value: string): never {
  throw new ArgumentTypeError(
    `'${value}' is not allowed; give a seed, or up to ${MOST} different ones: 0..15 or 3,5,8`,
  );
}
