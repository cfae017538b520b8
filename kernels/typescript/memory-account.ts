/** Tells of cells that leave more tensors alive than they found, who holds them, and which loop goes on making them. */
import { MemoryTable } from './memory-table';
import { type Amount, bytesOf, tensorsAlive, tensorsIn } from './tensor-count';

type Locals = { readonly [name: string]: unknown };

const NAMED = 6;
/** Turns of a loop, each with more tensors than the last, after which it is looked into; then ten times as many. */
const SUSPICIOUS = 10;

export class MemoryAccount {
  readonly #root: string;
  readonly #locals: Locals;
  /** Tensors that earlier cells left; weak, for an account holds nothing. */
  readonly #known = new WeakSet<object>();
  #before: Amount = { tensors: 0, bytes: 0 };
  #last = 0;
  #growing = 0;
  #limit = SUSPICIOUS;
  #from = 0;

  constructor(root: string, locals: Locals) {
    this.#root = root;
    this.#locals = locals;
  }

  /** A cell begins. */
  begin(): void {
    this.#before = tensorsAlive(this.#root);
    this.#last = this.#before.tensors;
    this.#growing = 0;
    this.#limit = SUSPICIOUS;
  }

  /** A loop of the cell has ended a turn. Returns what to tell of a loop that leaks, the number left at each turn. */
  turn(): { readonly turns: number; readonly tensors: number } | undefined {
    const { tensors } = tensorsAlive(this.#root);
    if (tensors <= this.#last) {
      this.#growing = 0;
      this.#from = tensors;
    } else {
      this.#growing++;
    }
    this.#last = tensors;
    if (this.#growing < this.#limit) return undefined;
    this.#limit *= 10;
    const left = tensors - this.#from - this.#newlyHeld().reduce((sum, [, n]) => sum + n, 0);
    return left < this.#growing ? undefined : { turns: this.#growing, tensors: left };
  }

  /** The cell has ended. Returns a line where it leaves more tensors alive than it found. */
  end(): string | undefined {
    const now = tensorsAlive(this.#root);
    const more = now.tensors - this.#before.tensors;
    const held = more === 0 ? [] : this.#newlyHeld('remember');
    if (more <= 0) return undefined;
    const named = held.slice(0, NAMED).map(([name, tensors]) => `\`${name}\` ${tensors}`);
    if (held.length > NAMED) named.push(`${held.length - NAMED} more variables`);
    const lost = more - held.reduce((sum, [, tensors]) => sum + tensors, 0);
    if (lost > 0) named.push(`no variable ${lost}`);
    const megabytes = ((now.bytes - this.#before.bytes) / 1e6).toFixed(1);
    const plural = more === 1 ? '' : 's';
    return `${more} more tensor${plural} alive (${megabytes} MB), held by ${named.join(', ')}.`;
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
