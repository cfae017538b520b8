/** Jupyter's wire protocol: messages as ZeroMQ frames, signed. Source: jupyter-client, "Messaging". */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

const DELIMITER = '<IDS|MSG>';
const PROTOCOL_VERSION = '5.4';

/** What a connection file holds. */
export interface Connection {
  readonly transport: string;
  readonly ip: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly key: string;
}

export interface Header {
  readonly msg_id: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly msg_type: string;
  readonly version: string;
}

export type Json = { readonly [key: string]: unknown };

/** The parts of one ZeroMQ message. */
export type Frames = (string | Buffer)[];

export interface Message {
  /** ZeroMQ routing frames; empty for what is published. */
  readonly identities: readonly Buffer[];
  readonly header: Header;
  /** The header of the request this message answers; `{}` for a request. */
  readonly parent: Partial<Header>;
  readonly metadata: Json;
  readonly content: Json;
}

/** The address of one of a connection's five sockets. */
export function address({ transport, ip }: Connection, port: number): string {
  return `${transport}://${ip}${transport === 'ipc' ? '-' : ':'}${port}`;
}

export function makeHeader(msgType: string, session: string): Header {
  return {
    msg_id: randomUUID(),
    session,
    username: 'kernel',
    date: new Date().toISOString(),
    msg_type: msgType,
    version: PROTOCOL_VERSION,
  };
}

function signature(key: string, parts: readonly (string | Buffer)[]): string {
  if (key === '') return '';
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

export function encode(key: string, message: Message): Frames {
  return encodeContent(key, message, JSON.stringify(message.content));
}

/** @param content - as JSON already */
export function encodeContent(
  key: string,
  { identities, header, parent, metadata }: Omit<Message, 'content'>,
  content: string | Buffer,
): Frames {
  const parts = [header, parent, metadata].map((part) => JSON.stringify(part));
  return [...identities, DELIMITER, signature(key, [...parts, content]), ...parts, content];
}

/** @throws Error when the frames are no signed Jupyter message. */
export function decode(key: string, frames: readonly Buffer[]): Message {
  const start = frames.findIndex((frame) => frame.equals(Buffer.from(DELIMITER)));
  const parts = frames.slice(start + 2, start + 6);
  const given = frames[start + 1];
  if (start < 0 || parts.length < 4 || given === undefined) {
    throw new Error(`A Jupyter message needs 6 frames; these are ${frames.length}.`);
  }
  const expected = Buffer.from(signature(key, parts));
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new Error("The signature of a Jupyter message is not the connection's.");
  }
  const [header, parent, metadata, content] = parts.map((part) => JSON.parse(part.toString()));
  return { identities: frames.slice(0, start), header, parent, metadata, content };
}
