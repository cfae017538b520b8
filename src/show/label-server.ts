/**
 * The place that a page of labels talks to: HTTP on this machine alone, at a port that the system chooses. Who may ask is
 * settled in `label-guard`; here is what is answered.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PictureError } from '../data/image';
import { Doors, Keys, Refused, SESSION_HEADER } from './label-guard';
import { type Answer, json, labelRoutes, type Route } from './label-routes';
import type { LabelSession } from './label-session';

export interface LabelServerOptions {
  /** @default one that is free */
  readonly port?: number;
  /**
   * Where a proxy shows this server, `{port}` in it for the port: under JupyterHub with jupyter-server-proxy
   * `https://HUB/user/NAME/proxy/{port}`. @default none does
   */
  readonly baseUrl?: string | undefined;
  /** Is told when a link was used, and does not open the page again. */
  readonly onOpened?: () => void;
  readonly limits?: Partial<ServerLimits>;
}

export interface ServerLimits {
  /** Open at once. @default 64 */
  readonly connections: number;
  /** For all of a request to arrive, in milliseconds. @default 10000 */
  readonly requestMs: number;
}

export class LabelServer {
  /** Resolves when the person says that it is enough. */
  readonly finished: Promise<void>;
  /** By which pages tell this server from others on the same port, before and after. */
  readonly id = randomUUID();
  private readonly keys = new Keys();
  private readonly sockets = new Set<Socket>();
  private readonly routes: readonly Route[];
  private finish: () => void = () => undefined;
  private doors: Doors | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly session: LabelSession,
    private readonly options: LabelServerOptions,
    private readonly server: Server,
  ) {
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.routes = labelRoutes({
      session,
      keys: this.keys,
      id: this.id,
      opened: () => options.onOpened?.(),
      finish: () => this.finish(),
    });
  }

  /** Starts listening. The server owns the session from then on. @throws Error where the port is taken, RangeError for a base URL that is none */
  static async start(
    session: LabelSession,
    options: LabelServerOptions = {},
  ): Promise<LabelServer> {
    const { port = 0, baseUrl, limits: { connections = 64, requestMs = 10_000 } = {} } = options;
    if (baseUrl !== undefined && !URL.canParse(baseUrl.replace('{port}', '1')))
      throw new RangeError(`baseUrl is "${baseUrl}"; it must be a whole URL, https://… .`);
    const server = createServer({
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: Math.min(500, requestMs),
    });
    const labels = new LabelServer(session, options, server);
    server.on('connection', (socket) => labels.count(socket, connections));
    server.on('clientError', refuseUnread);
    server.on('request', (request, response) => void labels.handle(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    labels.doors = new Doors(labels.port, labels.base);
    return labels;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Where pages find this server. */
  get base(): string {
    const { baseUrl = 'http://127.0.0.1:{port}' } = this.options;
    return baseUrl.replace('{port}', String(this.port)).replace(/\/$/, '');
  }

  /** Good for one page. */
  ticket(): string {
    return this.keys.ticket();
  }

  /** Opens the page, once. What stands behind the `#` is sent to nobody. */
  link(): string {
    return `${this.base}/#${this.ticket()}`;
  }

  /** Ends the server and closes the file; asked again, it is the same end. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeIdleConnections();
    setTimeout(() => this.server.closeAllConnections(), 100).unref(); // a last answer may be on its way
    await closed;
    await this.session.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let origin: string | undefined;
    try {
      origin = this.doors?.admit(request);
      send(response, await this.answer(request, origin), origin);
    } catch (error) {
      send(response, refusal(error), origin);
    }
  }

  private async answer(request: IncomingMessage, origin: string | undefined): Promise<Answer> {
    const { url = '', method } = request;
    if (url.includes('?'))
      throw new Refused(400, 'An address here has no query; a session goes into a header.');
    const route = this.routes.find(({ path }) => path.test(url));
    if (!route) throw new Refused(404, 'There is nothing at this address.');
    if (method === 'OPTIONS' && origin !== undefined) return preflight(route);
    if (method !== route.method) {
      const headers = { allow: route.method };
      throw new Refused(405, `The address takes ${route.method}, not ${method}.`, headers);
    }
    if (route.door !== 'open') this.keys.check(request);
    return route.answer(request, route.path.exec(url)?.slice(1) ?? []);
  }

  private count(socket: Socket, most: number): void {
    if (this.sockets.size >= most) {
      refuseSocket(socket, '503 Service Unavailable', `${most} connections are open already.`);
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

/** Asked by a browser before a page of another port sends a session. */
const preflight = ({ method }: Route): Answer => ({
  status: 204,
  body: '',
  headers: {
    'access-control-allow-methods': method,
    'access-control-allow-headers': `content-type, ${SESSION_HEADER}`,
    'access-control-allow-private-network': 'true',
    'access-control-max-age': '600',
  },
});

function refusal(error: unknown): Answer {
  const { message } = error as Error;
  const told = json({ error: message });
  if (error instanceof Refused) return { ...told, status: error.status, headers: error.headers };
  return { ...told, status: error instanceof PictureError ? 422 : 500 };
}

function send(
  response: ServerResponse,
  { status = 200, type, body, headers = {} }: Answer,
  origin: string | undefined,
): void {
  if (response.destroyed || response.headersSent) return; // the client is gone
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    vary: 'origin',
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(origin === undefined ? {} : { 'access-control-allow-origin': origin }),
    ...headers,
  });
  response.end(body);
}

const UNREAD: Readonly<Record<string, readonly [status: string, sentence: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
};

/** A request that came too slowly, or is no HTTP. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex) {
  const [status, sentence] = UNREAD[error.code ?? ''] ?? ['400 Bad Request', 'This is no HTTP.'];
  refuseSocket(socket, status, sentence);
}

function refuseSocket(socket: Duplex, status: string, sentence: string) {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify({ error: sentence });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
