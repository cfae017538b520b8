/** Somebody who labels: HTTP requests as the page makes them, or as it never would. */
import { connect } from 'node:net';
import type { Choice } from '../../src/show/label-session';

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends bytes to a port of this machine as they are, waiting for what is waited for; resolves to all that comes back until the connection is closed. */
export function sendRaw(
  port: number,
  parts: readonly (string | Promise<unknown>)[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.once('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error); // refused while it was written
    });
    void (async () => {
      for (const part of parts) {
        if (typeof part === 'string') socket.write(part);
        else await part;
      }
    })();
  });
}

export interface RequestParts {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/** One request, every header of which is the caller's. */
export async function request(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '' }: RequestParts = {},
): Promise<Reply> {
  const all = {
    ...{ host: `127.0.0.1:${port}`, connection: 'close' },
    ...(method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return parsed(
    await sendRaw(port, [`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`]),
  );
}

export function parsed(text: string): Reply {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
  return {
    status: Number(first.split(' ')[1]),
    body: rest.join('\r\n\r\n'),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
  };
}

/** What a link leads to. */
export const partsOf = (link: string) => {
  const { origin, pathname, port, hash } = new URL(link);
  return {
    base: `${origin}${pathname}`.replace(/\/$/, ''),
    port: Number(port),
    ticket: hash.slice(1),
  };
};

/** Opens a link as the page does; resolves to what asks in its name. Throws where something is refused. */
export async function enter(link: string) {
  const { base, ticket } = partsOf(link);
  let session = '';
  const ask = async (method: 'GET' | 'POST', path: string, content?: object) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        'x-label-session': session,
        ...(content ? { 'content-type': 'application/json' } : {}),
      },
      ...(content ? { body: JSON.stringify(content) } : {}),
    });
    if (response.ok) return response;
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  };
  const askJson = async (...parts: Parameters<typeof ask>) =>
    (await (await ask(...parts)).json()) as Readonly<Record<string, unknown>>;
  session = String((await askJson('POST', '/session', { ticket })).session);
  return { session, ask, askJson };
}

export interface Shown {
  readonly index: number;
  readonly prompt: string;
  /** PNG. */
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

/** Answers every pair that has no answer, as `decide` says, and ends. Returns how many that were. */
export async function answerAll(
  link: string,
  decide: (shown: Shown) => Choice | Promise<Choice>,
): Promise<number> {
  const { ask, askJson } = await enter(link);
  let answered = 0;
  for (let state = await askJson('GET', '/state/0'); state.next !== null; answered++) {
    const index = Number(state.next);
    const { prompt } = await askJson('GET', `/pair/${index}`);
    const [left, right] = await Promise.all(
      ['left', 'right'].map(async (side) => {
        const response = await ask('GET', `/picture/${index}/${side}`);
        return new Uint8Array(await response.arrayBuffer());
      }),
    );
    const shown = { index, prompt: String(prompt), left, right } as Shown;
    state = await askJson('POST', '/choice', { pair: index, choice: await decide(shown) });
  }
  await askJson('POST', '/finish', {});
  return answered;
}
