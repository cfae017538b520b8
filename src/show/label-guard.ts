/** What the label server asks of a request before anything is done for it. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A request that is not answered: its status, and one sentence for the person. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly status: number,
    sentence: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(sentence);
  }
}

/** Header of a session; one of its own, since a proxy would take `Authorization` for itself. */
export const SESSION_HEADER = 'x-label-session';

const LOOPBACK = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

export class Doors {
  private readonly hosts: readonly string[];
  private readonly outside: string | undefined;

  /** @param baseUrl where a proxy shows the server, if one does */
  constructor(port: number, baseUrl?: string) {
    const proxy = baseUrl === undefined ? undefined : new URL(baseUrl);
    this.outside = proxy?.origin;
    const own = [`127.0.0.1:${port}`, `localhost:${port}`];
    this.hosts = proxy === undefined ? own : [...own, proxy.host];
  }

  /**
   * Refuses names that are not the server's, as of a page whose own name was rebound to this machine, and origins that
   * are neither on this machine nor the proxy's. Returns the origin that may read the answer.
   */
  admit({ headers }: IncomingMessage): string | undefined {
    const { host = '', origin } = headers;
    if (!this.hosts.includes(host.toLowerCase()))
      throw new Refused(421, `This server is not called ${JSON.stringify(host)}.`);
    if (origin === undefined) return undefined;
    if (LOOPBACK.test(origin) || origin === this.outside) return origin;
    throw new Refused(403, `Pages of ${JSON.stringify(origin)} may not label here.`);
  }
}

const hashed = (secret: string) => createHash('sha256').update(secret).digest('hex');
const newSecret = () => randomBytes(32).toString('base64url');

/** Tickets are exchanged once for a session each; neither is kept, only their digests. */
export class Keys {
  private readonly tickets = new Set<string>();
  private readonly used = new Set<string>();
  private readonly sessions = new Set<string>();

  /** A new ticket: 256 random bits. */
  ticket(): string {
    const ticket = newSecret();
    this.tickets.add(hashed(ticket));
    return ticket;
  }

  /** A session for a ticket. */
  exchange(ticket: string): string {
    const digest = hashed(ticket);
    if (this.used.has(digest))
      throw new Refused(401, 'This link was used already; take the newest one that was printed.');
    if (!this.tickets.delete(digest))
      throw new Refused(
        401,
        'This link is not of this server; take the one that was printed last.',
      );
    this.used.add(digest);
    const session = newSecret();
    this.sessions.add(hashed(session));
    return session;
  }

  check({ headers }: IncomingMessage): void {
    const session = headers[SESSION_HEADER];
    if (typeof session !== 'string')
      throw new Refused(401, 'The request names no session; open the page by its link.');
    if (!this.sessions.has(hashed(session)))
      throw new Refused(
        401,
        'The session is not of this server; open the page by its newest link.',
      );
  }
}

/** A request has no more to say than this. */
const MOST_BYTES = 1024;

/** The fields of a JSON object with exactly these names. */
export async function readFields<K extends string>(
  request: IncomingMessage,
  names: readonly K[],
): Promise<Readonly<Record<K, unknown>>> {
  const { 'content-type': type = '', 'content-length': length = '0' } = request.headers;
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw new Refused(415, `The content is ${JSON.stringify(type)}; it must be application/json.`);
  if (Number(length) > MOST_BYTES) throw tooLarge();
  const text = await readText(request);
  const value = parsed(text);
  const keys = typeof value === 'object' && value !== null ? Object.keys(value).sort() : undefined;
  if (Array.isArray(value) || keys?.join() !== [...names].sort().join()) {
    const wanted = names.length === 0 ? 'no fields' : names.join(' and ');
    throw new Refused(400, `The content must be an object with ${wanted}, and nothing else.`);
  }
  return value as Readonly<Record<K, unknown>>;
}

const tooLarge = () =>
  new Refused(413, `The content is larger than ${MOST_BYTES} bytes.`, { connection: 'close' });

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw tooLarge();
    parts.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new Refused(400, 'The content is not UTF-8 text.');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, 'The content is not JSON.');
  }
}
