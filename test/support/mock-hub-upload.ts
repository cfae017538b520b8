/** The mock hub's other half: creating repositories, LFS uploads, commits. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type MockHub, refuse, sendJson } from './mock-hub';
import { isLarge, type StoredFile, type StoredRepo, sha256, storedFile } from './mock-hub-store';

type Handler = (
  hub: MockHub,
  match: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<void>;

/** By method and path. */
const routes: readonly (readonly [string, RegExp, Handler])[] = [
  ['POST', /^\/api\/repos\/create$/, create],
  ['POST', /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)\/preupload\/[^/]+$/, preupload],
  ['POST', /^\/(datasets\/)?([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/, batch],
  ['PUT', /^\/upload\/([0-9a-f]{64})(?:\/(\d+))?$/, put],
  ['POST', /^\/complete\/([0-9a-f]{64})$/, complete],
  ['POST', /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)\/commit\/([^/]+)$/, commit],
];

/** Whether the request was one of these. */
export async function handleUpload(
  hub: MockHub,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  for (const [method, path, handle] of routes) {
    const match = path.exec(url.pathname);
    if (request.method !== method || !match) continue;
    const isPublic = method === 'PUT' || url.pathname.startsWith('/complete/');
    if (!isPublic && request.headers.authorization !== `Bearer ${hub.token}`)
      refuse(response, 401, '');
    else await handle(hub, match, request, response, url);
    return true;
  }
  return false;
}

const jsonOf = async (request: IncomingMessage) => JSON.parse((await buffer(request)).toString());

async function create(
  hub: MockHub,
  _: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { name, organization, type = 'model', visibility } = await jsonOf(request);
  const full = `${organization}/${name}`;
  if (hub.store.repos.has(`${type} ${full}`)) return refuse(response, 409, '');
  const repo = hub.store.create(type, full);
  hub.store.add(repo, new Map(), 'main');
  if (visibility === 'private') repo.access = 'private';
  sendJson(response, { url: `${hub.endpoint}/${full}`, id: full });
}

const repoOf = (hub: MockHub, type: string | undefined, name: string | undefined) =>
  hub.store.repos.get(`${type?.startsWith('dataset') ? 'dataset' : 'model'} ${name}`);

async function preupload(
  hub: MockHub,
  match: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { files } = await jsonOf(request);
  if (!repoOf(hub, match[1], match[2])) return refuse(response, 404, 'RepoNotFound');
  const modes = files.map(({ path }: { path: string }) => ({
    path,
    uploadMode: isLarge(path) ? 'lfs' : 'regular',
  }));
  sendJson(response, { files: modes });
}

async function batch(
  hub: MockHub,
  _: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { objects } = await jsonOf(request);
  const answers = objects.map(({ oid, size }: { oid: string; size: number }) => {
    if (hub.store.lfs.has(oid)) return { oid, size };
    const href = `${hub.cdnOrigin}/upload/${oid}`;
    const { partSize } = hub;
    if (partSize === undefined) return { oid, size, actions: { upload: { href } } };
    const count = Math.ceil(size / partSize);
    const numbers = Array.from({ length: count }, (__, i) => String(i + 1).padStart(5, '0'));
    const parts = Object.fromEntries(numbers.map((n) => [n, `${href}/${Number(n)}`]));
    const header = { chunk_size: String(partSize), ...parts };
    return { oid, size, actions: { upload: { href: `${hub.endpoint}/complete/${oid}`, header } } };
  });
  const transfer = hub.partSize === undefined ? 'basic' : 'multipart';
  sendJson(response, { transfer, objects: answers });
}

const partsOf = new WeakMap<MockHub, Map<string, Buffer>>();

async function put(
  hub: MockHub,
  [, oid = '', part]: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const bytes = await buffer(request);
  const parts = partsOf.get(hub) ?? new Map<string, Buffer>();
  partsOf.set(hub, parts);
  if (part !== undefined) parts.set(`${oid}/${part}`, bytes);
  else if (sha256(bytes) !== oid) return refuse(response, 400, 'BadDigest');
  else hub.store.lfs.set(oid, bytes);
  response.writeHead(200, { ETag: `"${sha256(bytes).slice(0, 8)}"` }).end();
}

async function complete(
  hub: MockHub,
  [, oid = '']: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { parts } = await jsonOf(request);
  const stored = partsOf.get(hub);
  const bytes = Buffer.concat(
    parts.map(({ partNumber }: { partNumber: number }) => stored?.get(`${oid}/${partNumber}`)),
  );
  if (sha256(bytes) !== oid) return refuse(response, 400, 'BadDigest');
  hub.store.lfs.set(oid, bytes);
  sendJson(response, {});
}

async function commit(
  hub: MockHub,
  match: RegExpExecArray,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const repo = repoOf(hub, match[1], match[2]);
  const lines = (await buffer(request)).toString().split('\n');
  if (!repo) return refuse(response, 404, 'RepoNotFound');
  const base = repo.commits.get(repo.refs.get('main') ?? '');
  const files = new Map<string, StoredFile>(base);
  for (const line of lines) {
    const { key, value } = JSON.parse(line);
    if (key === 'file')
      files.set(value.path, storedFile(value.path, Buffer.from(value.content, 'base64')));
    if (key !== 'lfsFile') continue;
    const bytes = hub.store.lfs.get(value.oid);
    if (!bytes) return refuse(response, 400, 'MissingObject');
    files.set(value.path, storedFile(value.path, bytes));
  }
  const isPullRequest = url.searchParams.get('create_pr') === '1';
  const commitOid = hub.store.add(repo, files, branchOf(repo, isPullRequest, match[3] ?? 'main'));
  const page = `${hub.endpoint}/${repo.name}`;
  sendJson(response, {
    ...{ success: true, commitOid, commitUrl: `${page}/commit/${commitOid}`, hookOutput: '' },
    ...(isPullRequest ? { pullRequestUrl: `${page}/discussions/${repo.pullRequests}` } : {}),
  });
}

function branchOf(repo: StoredRepo, isPullRequest: boolean, branch: string): string {
  if (!isPullRequest) return decodeURIComponent(branch);
  repo.pullRequests += 1;
  return `refs/pr/${repo.pullRequests}`;
}
