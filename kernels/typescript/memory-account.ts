/** Tells of cells that leave more tensors alive than they found, who holds them, and which loop goes on making them. */
import { MemoryTable } from './memory-table';
import { type Amount, bytesOf, tensorsAlive, tensorsIn } from './tensor-count';

type Locals = { readonly [name: string]: unknown };

const NAMED = 6;
/** Looks at a loop, each with more tensors than the last, after which it is said to leak; then ten times as many. */
const SUSPICIOUS = 10;
const LOOK_MS = 1; // between two looks at a loop, about

/** What a loop has left behind that no variable holds. */
export interface Leak {
  readonly turns: number;
  readonly tensors: number;
}

export class MemoryAccount {
  readonly #root: string;
  readonly #locals: Locals;
  /** Tensors that earlier cells left; weak, for an account holds nothing. */
  readonly #known = new WeakSet<object>();
  /** Of each cell's code, how often it has left tensors that no variable holds, and how many. */
  readonly #lost = new Map<string, { runs: number; tensors: number }>();
  #before: Amount = { tensors: 0, bytes: 0 };
  #loop = new LoopWatch(0);

  constructor(root: string, locals: Locals) {
    this.#root = root;
    this.#locals = locals;
  }

  /** A cell begins. */
  begin(): void {
    this.#before = tensorsAlive(this.#root);
    this.#loop = new LoopWatch(this.#before.tensors);
  }

  /** A loop of the cell has ended a turn. Returns what it leaks, when that has repeated often enough to be told. */
  turn(): Leak | undefined {
    if (!this.#loop.isDue()) return undefined;
    const growth = this.#loop.look(tensorsAlive(this.#root).tensors);
    if (growth === undefined) return undefined;
    const tensors = growth.tensors - sum(this.#newlyHeld('look'));
    return tensors < SUSPICIOUS ? undefined : { turns: growth.turns, tensors };
  }

  /** The cell has ended. Returns a line where it leaves more tensors alive than it found. */
  end(code: string): string | undefined {
    const now = tensorsAlive(this.#root);
    const more = now.tensors - this.#before.tensors;
    const held = more === 0 ? [] : this.#newlyHeld('remember');
    if (more <= 0) return undefined;
    const named = held.slice(0, NAMED).map(([name, tensors]) => `\`${name}\` ${tensors}`);
    if (held.length > NAMED) named.push(`${held.length - NAMED} more variables`);
    const lost = more - sum(held);
    const megabytes = ((now.bytes - this.#before.bytes) / 1e6).toFixed(1);
    const plural = more === 1 ? '' : 's';
    const holders = [
      ...(named.length > 0 ? [`held by ${named.join(', ')}`] : []),
      ...(lost > 0 ? [`${lost} held by no variable${this.#again(code, lost)}`] : []),
    ];
    return `${more} more tensor${plural} alive (${megabytes} MB), ${holders.join(', ')}.`;
  }

  /** That a cell loses tensors at every run. */
  #again(code: string, lost: number): string {
    const { runs, tensors } = this.#lost.get(code) ?? { runs: 0, tensors: 0 };
    this.#lost.set(code, { runs: runs + 1, tensors: tensors + lost });
    return runs === 0 ? '' : ` (${tensors + lost} in ${runs + 1} runs of this cell: a leak)`;
  }

  /** What `memory()` shows. */
  table(): MemoryTable {
    const seen = new Set<object>();
    const counted = new Set<object>();
    const rows = Object.entries(this.#locals).flatMap(([name, value]) => {
      const tensors = tensorsIn(value, seen);
      if (tensors.length === 0) return [];
      const shapes = tensors.map(({ shape, dtype }) => `${dtype} [${shape.join(', ')}]`);
      return [{ name, tensors: tensors.length, bytes: bytesOf(tensors, counted), shapes }];
    });
    return new MemoryTable(rows, tensorsAlive(this.#root));
  }

  /** Variables with tensors that no earlier cell left, and how many each. */
  #newlyHeld(how: 'look' | 'remember' = 'look'): [name: string, tensors: number][] {
    const seen = new Set<object>();
    return Object.entries(this.#locals).flatMap(([name, value]): [string, number][] => {
      const fresh = tensorsIn(value, seen).filter((tensor) => !this.#known.has(tensor));
      if (how === 'remember') for (const tensor of fresh) this.#known.add(tensor);
      return fresh.length === 0 ? [] : [[name, fresh.length]];
    });
  }
}

const sum = (held: readonly [string, number][]) => held.reduce((all, [, count]) => all + count, 0);

/** Whether the number of tensors grows with the turns of a loop. */
class LoopWatch {
  #tensors: number;
  #turns = 0;
  #from: Leak;
  #growing = 0;
  #enough = SUSPICIOUS;
  #skip = 0;
  #pace = 1;
  #looked = 0;

  constructor(tensors: number) {
    this.#tensors = tensors;
    this.#from = { tensors, turns: 0 };
  }

  /** Counts a turn. Loops of many turns a millisecond are looked at seldom, for a look costs more than a turn. */
  isDue(): boolean {
    this.#turns++;
    if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    const now = performance.now();
    this.#pace = now - this.#looked < LOOK_MS ? Math.min(2 * this.#pace, 65_536) : 1;
    this.#looked = now;
    this.#skip = this.#pace - 1;
    return true;
  }

  /** Returns by how much the tensors have grown, when they have at every look for long enough. */
  look(tensors: number): Leak | undefined {
    this.#growing = tensors > this.#tensors ? this.#growing + 1 : 0;
    if (this.#growing === 0) this.#from = { tensors, turns: this.#turns };
    this.#tensors = tensors;
    if (this.#growing < this.#enough) return undefined;
    this.#enough *= 10;
    return { tensors: tensors - this.#from.tensors, turns: this.#turns - this.#from.turns };
  }
}
