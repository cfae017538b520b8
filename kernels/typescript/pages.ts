/** Which page was there when: a page is a session of Jupyter's protocol, and one that is loaded anew is another. */

/** Cells that go on for so long without a word from their page may have lost it; pages save every two minutes. */
const UNSEEN_MS = 60_000;

export class Pages {
  readonly #now: () => number;
  readonly #heard = new Map<string, number>();
  /** Cells that ended so, by the session of their page. */
  readonly #unseen = new Map<string, number[]>();

  /** @param now in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A page has asked for something, whatever it was. */
  heard(session: string): void {
    this.#heard.set(session, this.#now());
  }

  /** The cell with this number in its brackets has ended. */
  ended(session: string, count: number): void {
    if (this.#now() - (this.#heard.get(session) ?? 0) < UNSEEN_MS) return;
    this.#unseen.set(session, [...(this.#unseen.get(session) ?? []), count]);
  }

  /** A page runs a cell. Returns, once, the cells that pages before it may not have seen to their end. */
  takeUnseen(session: string): readonly number[] {
    const others = [...this.#unseen].filter(([other]) => other !== session);
    for (const [other] of others) this.#unseen.delete(other);
    return others.flatMap(([, counts]) => counts);
  }
}
