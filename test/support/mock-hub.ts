/** A hub on this machine that speaks the protocol of the real one, with faults on demand; files in LFS come from a second port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, sendFile } from './mock-hub-faults';
import { type Contents, MockStore, type StoredFile, type StoredRepo } from './mock-hub-store';
import { handleUpload } from './mock-hub-upload';

/** A request as it came in. */
export interface Asked {
  readonly host: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  /** Bytes of the file that were sent for it. */
  sent: number;
}

export class MockHub {
  readonly store = new MockStore();
  readonly asked: Asked[] = [];
  /** The token that private things want. */
  token = 'hf_abcdefghijklmnopqrstuvwxyz';
  pageSize = 1000;
  /** Where the second page of a list is, in place of the hub itself. */
  nextPageAt: string | undefined;
  /** Large uploads come in parts of so many bytes. */
  partSize: number | undefined;
  private readonly faults: { readonly fault: Fault; times: number; readonly path: RegExp }[] = [];
  private hub: Server | undefined;
  private cdn: Server | undefined;

  static async start(): Promise<MockHub> {
    const mock = new MockHub();
    mock.hub = await listen((request, response) => mock.answer(request, response));
    mock.cdn = await listen((request, response) => mock.answerCdn(request, response));
    return mock;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.hub)}`;
  }

  get cdnOrigin(): string {
    return `http://127.0.0.1:${portOf(this.cdn)}`;
  }

  add(name: string, contents: Contents, type: 'model' | 'dataset' = 'model'): string {
    return this.store.commit(name, contents, { type });
  }

  /** The next `times` files that are sent and fit `path` go wrong. */
  fail(fault: Fault, { times = 1, path = /./ } = {}): void {
    this.faults.push({ fault, times, path });
  }

  /** Bytes of files sent so far. */
  get bytesSent(): number {
    return this.asked.reduce((sum, { sent }) => sum + sent, 0);
  }

  async close(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      server?.closeAllConnections();
      await new Promise((done) => server?.close(done));
    }
  }

  private note(host: Asked['host'], { method = '', url = '', headers }: IncomingMessage): Asked {
    const { authorization, range } = headers;
    const asked: Asked = { host, method, path: url, authorization, range, sent: 0 };
    this.asked.push(asked);
    return asked;
  }

  private takeFault(path: string): Fault | undefined {
    const found = this.faults.find((entry) => entry.times > 0 && entry.path.test(path));
    if (found) found.times -= 1;
    return found?.fault;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = this.note('hub', request);
    const url = new URL(request.url ?? '/', this.endpoint);
    if (await handleUpload(this, request, response, url)) return;
    const api = /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(
      url.pathname,
    );
    const file = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const type = api?.[1] === 'dataset' || file?.[1] ? 'dataset' : 'model';
    const repo = this.store.repos.get(`${type} ${api?.[2] ?? file?.[2] ?? ''}`);
    if (!repo) return refuse(response, request.headers.authorization ? 404 : 401, 'RepoNotFound');
    if (!this.maySee(repo, request)) return this.refuseAccess(repo, request, response);
    const revision = decodeURIComponent(api?.[4] ?? file?.[3] ?? '');
    const commit = repo.refs.get(revision) ?? revision;
    const files = repo.commits.get(commit);
    if (!files) return refuse(response, 404, 'RevisionNotFound');
    if (api?.[3] === 'revision')
      return sendJson(response, { _id: 'x', id: repo.name, sha: commit });
    if (api) return this.sendTree(response, url, files);
    const path = decodeURIComponent(file?.[4] ?? '');
    await this.sendResolved(request, response, asked, { path, commit, file: files.get(path) });
  }

  private maySee({ access }: StoredRepo, { headers }: IncomingMessage): boolean {
    return access === 'public' || headers.authorization === `Bearer ${this.token}`;
  }

  private refuseAccess(repo: StoredRepo, request: IncomingMessage, response: ServerResponse): void {
    const status = request.headers.authorization ? 403 : 401;
    const told = `Access is restricted. You sent ${request.headers.authorization}`;
    response.setHeader('X-Error-Message', told); // a careless hub, which tells the token back
    refuse(response, status, repo.access === 'gated' ? 'GatedRepo' : 'RepoNotFound');
  }

  private sendTree(response: ServerResponse, url: URL, files: ReadonlyMap<string, StoredFile>) {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const entries = [...files].map(([path, { bytes, oid, storage, sha256 }]) => ({
      ...{ type: 'file', path, oid, size: bytes.length },
      ...(storage === 'lfs' ? { lfs: { oid: sha256, size: bytes.length, pointerSize: 130 } } : {}),
    }));
    const next = start + this.pageSize;
    if (next < entries.length) {
      const more = new URL(url.pathname + url.search, this.nextPageAt ?? this.endpoint);
      more.searchParams.set('cursor', String(next));
      response.setHeader('Link', `<${more.href}>; rel="next"`);
    }
    sendJson(response, entries.slice(start, next));
  }

  private async sendResolved(
    request: IncomingMessage,
    response: ServerResponse,
    asked: Asked,
    { path, commit, file }: { path: string; commit: string; file: StoredFile | undefined },
  ): Promise<void> {
    response.setHeader('X-Repo-Commit', commit);
    if (!file) return refuse(response, 404, 'EntryNotFound');
    const etag = `"${file.storage === 'lfs' ? file.sha256 : file.oid}"`;
    if (file.storage === 'lfs') {
      const Location = `${this.cdnOrigin}/${file.sha256}/${encodeURIComponent(path)}?Signature=s3cret`;
      const linked = { 'X-Linked-Etag': etag, 'X-Linked-Size': String(file.bytes.length) };
      response.writeHead(302, { Location, ...linked }).end();
      return;
    }
    await this.sendBytes(request, response, asked, path, file.bytes, { ETag: etag });
  }

  private async answerCdn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = this.note('cdn', request);
    if (request.method === 'PUT') {
      const url = new URL(request.url ?? '/', this.endpoint);
      await handleUpload(this, request, response, url);
      return;
    }
    const [, sha256 = '', path = ''] = /^\/([0-9a-f]{64})\/([^?]*)/.exec(request.url ?? '') ?? [];
    const bytes = this.store.lfs.get(sha256);
    if (!bytes) return refuse(response, 404, 'EntryNotFound');
    await this.sendBytes(request, response, asked, decodeURIComponent(path), bytes, {});
  }

  private async sendBytes(
    request: IncomingMessage,
    response: ServerResponse,
    asked: Asked,
    path: string,
    bytes: Buffer,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (request.method === 'HEAD') {
      response.writeHead(200, { ...headers, 'Content-Length': String(bytes.length) }).end();
      return;
    }
    const fault = this.takeFault(path);
    if (fault === 'redirect loop') {
      response.writeHead(302, { Location: asked.path }).end();
      this.faults.push({ fault, times: 1, path: /./ });
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked.range ?? '') ?? [];
    const last =
      to === undefined || to === '' ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1);
    const range = from === undefined ? undefined : { from: Number(from), to: last };
    asked.sent = await sendFile(response, { bytes, range, headers, fault });
  }
}

function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response));
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(server));
  });
}

const portOf = (server: Server | undefined) => (server?.address() as AddressInfo | null)?.port;

export function refuse(response: ServerResponse, status: number, code: string): void {
  response.setHeader('X-Error-Code', code);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end('{"error":"refused"}');
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}
