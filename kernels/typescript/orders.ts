/** What the two threads of the kernel say to each other; printed text goes beside it, through the same pipe. */
import type { Json } from './wire';

/** From the sockets to the thread that runs cells. Ids are of requests and never used twice. */
export type Order =
  | {
      readonly kind: 'execute';
      readonly id: number;
      readonly code: string;
      readonly count: number;
      readonly silent: boolean;
    }
  /** `leave`: asked a second time, so the cell is ended without waiting for its code. */
  | { readonly kind: 'interrupt'; readonly id: number; readonly how: 'stop' | 'leave' }
  | { readonly kind: 'shutdown' };

/** From the thread that runs cells to the sockets, without a payload. */
export type Notice = 'ready' | 'ring' | 'interrupt';

/** What the sockets' thread is started with. */
export interface Shared {
  readonly connectionFile: string;
  /** Process id of who started the kernel; it ends when that process is gone. */
  readonly parent: number;
  readonly pipe: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
}

/** From the sockets to the thread that knows TypeScript, which posts back an `Answer`. */
export interface Question {
  readonly id: number;
  /** Jupyter's `complete_request`, `inspect_request` or `is_complete_request`. */
  readonly msgType: string;
  readonly content: Json;
}

export interface Answer {
  readonly id: number;
  /** Content of the reply. */
  readonly content: Json;
}

/** Text of a message through the pipe. @param msgType - to publish, or `'reply'` to the owner's request */
export const pack = (msgType: string, content: Json): string =>
  `${msgType}\n${JSON.stringify(content)}`;

/** The content is left as JSON. */
export function unpack(payload: Buffer): { readonly msgType: string; readonly content: Buffer } {
  const end = payload.indexOf('\n');
  return { msgType: payload.toString('utf8', 0, end), content: payload.subarray(end + 1) };
}
