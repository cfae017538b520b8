/**
 * A JSON text read token by token. A safetensors header needs what `JSON.parse` hides: names that occur twice, and
 * integers written as `1.0` or beyond 2^53.
 */
export class StrictJson {
  private position = 0;

  /** @param document what the text is, for messages */
  constructor(
    private readonly text: string,
    private readonly document = 'the header',
  ) {}

  /** Reads `{ "name": value, … }`, handing each name to `field`, which must read the value. */
  object(what: string, field: (name: string) => void): void {
    const names = new Set<string>();
    this.list('{', '}', () => {
      const name = this.string();
      if (names.has(name)) this.fail(`${what} has the name ${JSON.stringify(name)} twice`);
      names.add(name);
      this.expect(':');
      field(name);
    });
  }

  /** Reads `[item, …]`. */
  array<T>(item: () => T): T[] {
    const items: T[] = [];
    this.list('[', ']', () => items.push(item()));
    return items;
  }

  /** Reads a string. */
  string(): string {
    this.skipSpace();
    const start = this.position;
    if (this.text[start] !== '"') this.fail('a string was expected');
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    this.position = end + 1;
    try {
      return wellFormed(JSON.parse(this.text.slice(start, end + 1)) as string);
    } catch {
      return this.fail('a string is malformed');
    }
  }

  /** Reads an integer in 0…2^53 − 1, written as digits only. */
  integer(): number {
    this.skipSpace();
    const start = this.position;
    while (isDigit(this.text.charCodeAt(this.position))) this.position += 1;
    const digits = this.text.slice(start, this.position);
    const value = Number(digits);
    if (
      digits === '' ||
      (digits.length > 1 && digits.startsWith('0')) ||
      !Number.isSafeInteger(value)
    ) {
      this.fail('a whole number in 0…2^53−1 was expected');
    }
    return value;
  }

  /** Reads to the end, where only white space may be left. */
  end(): void {
    this.skipSpace();
    if (this.position < this.text.length) this.fail('text follows the closing brace');
  }

  /** @throws SyntaxError that says where. */
  fail(reason: string): never {
    throw new SyntaxError(`${reason} (at character ${this.position} of ${this.document})`);
  }

  private list(open: string, close: string, item: () => void): void {
    this.expect(open);
    this.skipSpace();
    if (this.text[this.position] === close) {
      this.position += 1;
      return;
    }
    for (;;) {
      item();
      this.skipSpace();
      const mark = this.text[this.position];
      if (mark !== ',' && mark !== close) this.fail(`"," or "${close}" was expected`);
      this.position += 1;
      if (mark === close) return;
    }
  }

  private expect(mark: string): void {
    this.skipSpace();
    if (this.text[this.position] !== mark) this.fail(`"${mark}" was expected`);
    this.position += 1;
  }

  private skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.position))) this.position += 1;
  }
}

const isDigit = (code: number) => code >= 48 && code <= 57;
const isSpace = (code: number) => code === 32 || code === 10 || code === 13 || code === 9;

function wellFormed(text: string): string {
  if (/\p{Cs}/u.test(text)) throw new SyntaxError('lone surrogate');
  return text;
}
