/** One HTTP exchange: no redirects followed, nothing retried, no headers added but for the length. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { proxyFor, tunnel } from './proxy';

export type Body = Uint8Array | Blob;

export interface Exchange {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Told how many bytes of the body have left. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** Nothing came, or left, for too long. */
export class StallError extends Error {
  override readonly name = 'StallError';
  readonly code = 'ESTALLED';
}

const agents = {
  'http:': new HttpAgent({ keepAlive: true, timeout: 60_000 }),
  'https:': new HttpsAgent({ keepAlive: true, timeout: 60_000 }),
};

/**
 * The answer as soon as its headers are there; reading its body throws where the connection is cut or stalls.
 * @throws Error of the network, StallError, or the signal's reason
 */
export async function exchange(url: URL, options: Exchange): Promise<IncomingMessage> {
  const { method, headers, body, stallMs, signal, env } = options;
  signal?.throwIfAborted();
  const proxy = proxyFor(url, env);
  const socket = proxy ? await tunnel(url, proxy, { stallMs, signal }) : undefined;
  const size = body instanceof Uint8Array ? body.length : body?.size;
  const request: RequestOptions = {
    method,
    headers: { ...headers, ...(size === undefined ? {} : { 'Content-Length': String(size) }) },
    ...(socket ? { createConnection: () => socket, agent: false } : { agent: agentOf(url) }),
    ...(signal ? { signal } : {}),
  };
  return send(url, request, { ...options, stallMs });
}

const agentOf = (url: URL) => agents[url.protocol === 'http:' ? 'http:' : 'https:'];

function send(url: URL, request: RequestOptions, options: Exchange): Promise<IncomingMessage> {
  const { body, stallMs, signal, onSent } = options;
  const ask = url.protocol === 'http:' ? httpRequest : httpsRequest;
  return new Promise((done, failed) => {
    const sent = ask(url, request);
    const fail = (error: unknown) => failed(signal?.aborted ? signal.reason : error);
    sent.once('error', fail);
    let answer: IncomingMessage | undefined;
    sent.setTimeout(stallMs, () => {
      const stall = new StallError(`nothing came for ${stallMs / 1000} s`);
      answer?.destroy(stall); // first, or its body would end with ECONNRESET
      sent.destroy(stall);
    });
    sent.once('response', (message) => {
      answer = message;
      sent.on('error', () => undefined); // told by the body, which its reader reads
      done(message);
    });
    if (body === undefined) sent.end();
    else void pipeline(counted(body, onSent), sent).catch(fail);
  });
}

function counted(body: Body, onSent?: (bytes: number) => void): Readable {
  const source =
    body instanceof Uint8Array
      ? Readable.from([body])
      : Readable.fromWeb(body.stream() as Parameters<typeof Readable.fromWeb>[0]);
  return Readable.from(
    (async function* () {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        yield chunk;
        onSent?.(chunk.length);
      }
    })(),
  );
}

/** The beginning of a body as text; the rest is thrown away. */
export async function bodyText(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostBytes) break; // which destroys the stream
  }
  return Buffer.concat(chunks).subarray(0, mostBytes).toString('utf8');
}
