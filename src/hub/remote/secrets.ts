import { inspect } from 'node:util';

/** What a token of the hub looks like, wherever it turns up. */
const TOKEN_SHAPE = /\bhf_[A-Za-z0-9]{8,}/g;

/**
 * An access token. Printed, logged, inspected or made JSON it says nothing; only {@link Token.authorization} has it, for
 * the one place that sends it.
 */
export class Token {
  readonly #text: string;

  /** @throws RangeError for what cannot stand in a header; the text itself is never told */
  constructor(text: string, source: string) {
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new RangeError(`The token of ${source} has spaces or characters that no token has.`);
    this.#text = text;
  }

  /** The value of an `Authorization` header. */
  authorization(): string {
    return `Bearer ${this.#text}`;
  }

  /** `text` without this token, and without anything that looks like one. */
  removedFrom(text: string): string {
    return withoutTokens(text.replaceAll(this.#text, HIDDEN));
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

const HIDDEN = 'hf_…';

/** `text` without anything that looks like a token. */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN_SHAPE, HIDDEN);
}

/** A URL for people: no user, no password, and no query, in which storage hosts carry signatures. */
export function shownUrl(url: URL): string {
  return withoutTokens(`${url.origin}${url.pathname}`);
}
