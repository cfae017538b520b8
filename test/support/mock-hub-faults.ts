/** What a mock hub can do wrong while it sends a file. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export const FAULTS = [
  'cut', // the connection ends in the middle of the body
  'flipped bit',
  'short', // a shorter body than the file, its length as if it were right
  'short, chunked', // without a length at all
  'long',
  'stall', // half of the body, then nothing
  'slow', // in small pieces
  'range ignored', // 200 and everything, whatever was asked
  'wrong range',
  '416', // to any range
  '429',
  '500',
  'redirect to http elsewhere',
  'redirect loop',
  'wrong etag', // of a version that is no more
] as const;

export type Fault = (typeof FAULTS)[number];

export interface Sending {
  readonly bytes: Buffer;
  /** Of a `Range: bytes=from-to` header. */
  readonly range?: { readonly from: number; readonly to: number } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly fault?: Fault | undefined;
}

/** Sends a file, or what a fault makes of it. Returns how many bytes of it left. */
export async function sendFile(response: ServerResponse, sending: Sending): Promise<number> {
  const { bytes, fault } = sending;
  switch (fault) {
    case '429':
      response.writeHead(429, { 'Retry-After': '0' }).end('{"error":"slow down"}');
      return 0;
    case '500':
      response.writeHead(500).end('oops');
      return 0;
    case '416':
      response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
      return 0;
    case 'redirect to http elsewhere':
      response.writeHead(302, { Location: 'http://203.0.113.7/evil?Signature=s3cret' }).end();
      return 0;
    default:
      return sendBody(response, sending);
  }
}

async function sendBody(response: ServerResponse, sending: Sending): Promise<number> {
  const { bytes, fault } = sending;
  const range = fault === 'range ignored' ? undefined : sending.range;
  const { from, to } = range ?? { from: 0, to: bytes.length - 1 };
  const body = Buffer.from(bytes.subarray(from, to + 1));
  if (fault === 'flipped bit') body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 4;
  const shift = fault === 'wrong range' ? 1 : 0;
  const shown = `bytes ${from + shift}-${to}/${bytes.length}`;
  const extra = fault === 'long' ? 100 : 0;
  const half = body.subarray(0, body.length >> 1);
  const length = fault === 'short' ? half.length : body.length + extra;
  response.writeHead(range ? 206 : 200, {
    ...sending.headers,
    ...(range ? { 'Content-Range': shown } : {}),
    ...(fault === 'short, chunked' ? {} : { 'Content-Length': String(length) }),
    ...(fault === 'wrong etag' ? { ETag: '"0123456789"' } : {}),
  });
  switch (fault) {
    case 'short':
    case 'short, chunked':
      response.end(half);
      return half.length;
    case 'cut':
      response.write(half, () => setTimeout(() => response.destroy(), 5));
      return half.length;
    case 'stall':
      response.write(half);
      return half.length;
    case 'slow':
      return sendSlowly(response, body);
    case 'long':
      response.end(Buffer.concat([body, Buffer.alloc(extra)]));
      return body.length;
    default:
      response.end(body);
      return body.length;
  }
}

async function sendSlowly(response: ServerResponse, body: Buffer): Promise<number> {
  const piece = Math.max(1, Math.ceil(body.length / 20));
  let sent = 0;
  for (let at = 0; at < body.length && !response.destroyed; at += piece) {
    if (at > 0) await sleep(10); // before and not after: the last piece is counted before anybody can have read it
    const part = body.subarray(at, at + piece);
    response.write(part);
    sent += part.length;
  }
  response.end();
  return sent;
}
