import { withObserver } from './backend';

/** What all calls of one operation took together. */
export interface OperationCost {
  readonly name: string;
  readonly calls: number;
  readonly milliseconds: number;
}

/** Where the time of a piece of work went. */
export interface Profile<T> {
  readonly value: T;
  /** Wall-clock milliseconds of the whole. */
  readonly milliseconds: number;
  /** By operation, the dearest first. What they leave of the whole is JavaScript's own time. */
  readonly operations: readonly OperationCost[];
}

/** Runs `fn` and notes what every operation in it costs. */
export function profile<T>(fn: () => T): Profile<T> {
  const costs = new Map<string, { name: string; calls: number; milliseconds: number }>();
  const start = performance.now();
  const value = withObserver((name, milliseconds) => {
    const cost = costs.get(name) ?? { name, calls: 0, milliseconds: 0 };
    cost.calls++;
    cost.milliseconds += milliseconds;
    costs.set(name, cost);
  }, fn);
  const milliseconds = performance.now() - start;
  const operations = [...costs.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  return { value, milliseconds, operations };
}
