/** The cells of this session as Jupyter's `history_request` asks for them. */
import type { Json } from './wire';

type Entry = readonly [session: number, count: number, code: string];

export class History {
  readonly #entries: Entry[] = [];

  add(count: number, code: string): void {
    this.#entries.push([0, count, code]);
  }

  /** Content of the reply: the last `n`, a range from `start` to before `stop`, or what a glob pattern finds. */
  answer({ output, ...asked }: Json): Json {
    const entries = this.#find(asked);
    const withOutput = ([session, count, code]: Entry) => [session, count, [code, null]];
    return { status: 'ok', history: output === true ? entries.map(withOutput) : entries };
  }

  #find({ hist_access_type, n, pattern, start, stop, unique }: Json): readonly Entry[] {
    if (hist_access_type === 'range') {
      const [from, to] = [Number(start ?? 1), Number(stop ?? Number.POSITIVE_INFINITY)];
      return this.#entries.filter(([, count]) => count >= from && count < to);
    }
    let entries: readonly Entry[] = this.#entries;
    if (hist_access_type === 'search') {
      const wanted = globPattern(String(pattern ?? '*'));
      entries = entries.filter(([, , code]) => wanted.test(code));
      if (unique === true)
        entries = [...new Map(entries.map((entry) => [entry[2], entry])).values()];
    }
    return typeof n === 'number' ? entries.slice(Math.max(0, entries.length - n)) : entries;
  }
}

/** `*` is any text, `?` any character. */
function globPattern(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '[\\s\\S]*').replace(/\?/g, '[\\s\\S]')}$`);
}
