/** Memory of large results: kept for the next, up to a limit, and never while someone holds it. */
import assert from 'node:assert/strict';
import { floats, free, ints, read, runOp } from './raw-ops';

const MEGABYTES = 2 ** 20;
/** 16 MB of one number. */
const large = (value: number) => floats(new Float32Array(4 * MEGABYTES).fill(value));

function add(x: number, y: number): number {
  const [sum] = runOp('DpoAdd', [x, y], 1);
  assert.ok(sum);
  return sum.id;
}

describe('memory of large results', () => {
  let [x, y] = [0, 0];
  before(() => {
    [x, y] = [large(1), large(2)];
  });
  after(() => free(x, y));

  it('is taken up again by the next: no page of it is asked for anew', () => {
    const faults = () => process.resourceUsage().minorPageFault;
    free(add(x, y));
    const start = faults();
    const rounds = 20;
    for (let i = 0; i < rounds; i++) free(add(x, y));
    const perResult = (faults() - start) / rounds;
    assert.ok(perResult < 400, `${perResult} page faults for each result of 4,096 pages`);
  });

  it('serves results of nearly the same size, and holds all their numbers', () => {
    const part = (size: number) => {
      const view = ints([size]);
      const ids = [x, y].map((id) => runOp('DpoView', [id, view], 1, { offset: 0 })[0]?.id ?? -1);
      const sum = add(ids[0] ?? -1, ids[1] ?? -1);
      const numbers = read(sum);
      free(view, sum, ...ids);
      return numbers;
    };
    for (const size of [4 * MEGABYTES, 4 * MEGABYTES - 16, 4 * MEGABYTES - 160_000]) {
      const numbers = part(size);
      assert.equal(numbers.length, size);
      assert.ok(numbers.every((n) => n === 3));
    }
  });

  it('stays with a second handle to it when the first is gone', () => {
    const sum = add(x, x);
    const flat = ints([4 * MEGABYTES, 1]);
    const [other] = runOp('DpoReshape', [sum, flat], 1);
    free(sum, flat);
    const later = add(y, y);
    const kept = read(other?.id ?? -1);
    assert.ok(kept.every((n) => n === 2));
    free(later, other?.id ?? -1);
  });

  it('goes back to the system beyond 256 MB', () => {
    const start = process.memoryUsage().rss;
    const many = Array.from({ length: 40 }, () => add(x, y));
    const most = process.memoryUsage().rss - start;
    free(...many);
    const left = process.memoryUsage().rss - start;
    assert.ok(most > 380 * MEGABYTES, `${most / MEGABYTES} MB for 640`);
    assert.ok(left < 290 * MEGABYTES, `${left / MEGABYTES} MB are left`);
  });
});
