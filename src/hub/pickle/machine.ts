// The opcodes of pickle protocol 2 that torch.save writes for tensors in dictionaries; any other ends the reading.
// Source: CPython Lib/pickletools.py. Nothing is imported and nothing is called: names are looked up in an allow-list.

/** A function or class that a pickle may name: it gets plain values and gives one. */
export type Callable = (args: readonly unknown[]) => unknown;

/** What a pickle may name, and what it may ask for from outside itself. */
export interface Allowed {
  /** @returns undefined for a name that is not allowed */
  readonly global: (module: string, name: string) => Callable | string | undefined;
  /** A reference to a storage. */
  readonly persistent: (id: unknown) => unknown;
}

const MARK = Symbol('mark');
const MAX_VALUES = 5_000_000; // in one pickle; a checkpoint of 2,000 tensors has 60,000

/** Reads a pickle. Dictionaries are Maps. @throws SyntaxError that tells the byte and the reason */
export function unpickle(bytes: Buffer, allowed: Allowed): unknown {
  return new Machine(bytes, allowed).run();
}

class Machine {
  private at = 0;
  private values = 0;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(
    private readonly bytes: Buffer,
    private readonly allowed: Allowed,
  ) {}

  run(): unknown {
    for (;;) {
      const code = this.byte();
      if (code === 0x2e) break; // STOP
      const opcode = OPCODES[code];
      if (!opcode) this.fail(`the opcode 0x${code.toString(16)} is not one that torch.save writes`);
      else opcode(this);
    }
    const value = this.pop();
    if (this.stack.length > 0) this.fail('values are left over at its end');
    return value;
  }

  fail(reason: string): never {
    throw new SyntaxError(`${reason} (byte ${this.at} of its pickle)`);
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) this.fail('it ends too soon');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail('a line does not end');
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end + 1;
    return text;
  }

  push(value: unknown): void {
    this.values += 1;
    if (this.values > MAX_VALUES) this.fail(`it has more than ${MAX_VALUES} values`);
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) this.fail('a value is missing');
    return this.stack.pop();
  }

  mark(): void {
    this.push(MARK);
  }

  sinceMark(): unknown[] {
    const start = this.stack.lastIndexOf(MARK);
    if (start < 0) this.fail('a mark is missing');
    const taken = this.stack.splice(start);
    return taken.slice(1);
  }

  put(index: number): void {
    const top = this.stack.at(-1);
    if (top === undefined || top === MARK) this.fail('there is no value to remember');
    this.memo.set(index, top);
  }

  get(index: number): void {
    if (!this.memo.has(index)) this.fail(`value ${index} is asked for, but was never made`);
    this.push(this.memo.get(index));
  }

  global(module: string, name: string): void {
    const found = this.allowed.global(module, name);
    if (found === undefined)
      this.fail(`it asks for "${module}.${name}", which is no part of a tensor and is not run`);
    this.push(found);
  }

  reduce(): void {
    const args = this.pop();
    const callable = this.pop();
    if (typeof callable !== 'function' || !Array.isArray(args))
      this.fail('what it calls is no function of the list');
    this.push((callable as Callable)(args));
  }

  persistent(): void {
    this.push(this.allowed.persistent(this.pop()));
  }

  /** SETITEMS and SETITEM: only on a dictionary, CVE-2026-24747. */
  set(pairs: readonly unknown[]): void {
    const target = this.stack.at(-1);
    if (!(target instanceof Map) || pairs.length % 2 !== 0)
      throw this.fail('it sets items of no dictionary');
    for (let i = 0; i < pairs.length; i += 2) {
      const [key, value] = pairs.slice(i, i + 2);
      if (typeof key !== 'string' && typeof key !== 'number')
        this.fail('a key is neither a text nor a number');
      target.set(key, value);
    }
  }

  append(items: readonly unknown[]): void {
    const target = this.stack.at(-1);
    if (!Array.isArray(target) || Object.isFrozen(target)) this.fail('it appends to no list');
    else for (const item of items) target.push(item);
  }

  /** BUILD gives an OrderedDict its attributes, of which a state dict has `_metadata`: versions of layers, not read. */
  build(): void {
    this.pop();
    if (!(this.stack.at(-1) instanceof Map)) this.fail('it gives a state to what is no dictionary');
  }
}

const tuple = (items: unknown[]) => Object.freeze(items);
const pops = (m: Machine, n: number) => Array.from({ length: n }, () => m.pop()).reverse();

/** By byte. */
const OPCODES: Readonly<Record<number, (m: Machine) => void>> = {
  128: (m) => {
    const version = m.byte();
    if (version !== 2) m.fail(`its protocol is ${version}; torch.save writes 2`);
  },
  40: (m) => m.mark(), // (
  41: (m) => m.push(tuple([])), // )
  93: (m) => m.push([]), // ]
  125: (m) => m.push(new Map()), // }
  116: (m) => m.push(tuple(m.sinceMark())), // t
  133: (m) => m.push(tuple(pops(m, 1))), // TUPLE1
  134: (m) => m.push(tuple(pops(m, 2))), // TUPLE2
  135: (m) => m.push(tuple(pops(m, 3))), // TUPLE3
  78: (m) => m.push(null), // N
  136: (m) => m.push(true), // NEWTRUE
  137: (m) => m.push(false), // NEWFALSE
  74: (m) => m.push(m.take(4).readInt32LE()), // J
  75: (m) => m.push(m.byte()), // K
  77: (m) => m.push(m.take(2).readUInt16LE()), // M
  138: (m) => m.push(longOf(m)), // LONG1
  71: (m) => m.push(m.take(8).readDoubleBE()), // G
  88: (m) => m.push(m.take(m.take(4).readUInt32LE()).toString('utf8')), // X
  113: (m) => m.put(m.byte()), // q
  114: (m) => m.put(m.take(4).readUInt32LE()), // r
  104: (m) => m.get(m.byte()), // h
  106: (m) => m.get(m.take(4).readUInt32LE()), // j
  99: (m) => m.global(m.line(), m.line()), // c
  82: (m) => m.reduce(), // R
  81: (m) => m.persistent(), // Q
  98: (m) => m.build(), // b
  97: (m) => m.append([m.pop()]), // a
  101: (m) => m.append(m.sinceMark()), // e
  115: (m) => m.set(pops(m, 2)), // s
  117: (m) => m.set(m.sinceMark()), // u
};

/** An integer of any length, little-endian in two's complement; those beyond 2^53 are no counts of anything. */
function longOf(m: Machine): number {
  const bytes = m.take(m.byte());
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  const number = Number(BigInt.asIntN(8 * Math.max(bytes.length, 1), value));
  return Number.isSafeInteger(number) ? number : m.fail('an integer is beyond 2^53');
}
