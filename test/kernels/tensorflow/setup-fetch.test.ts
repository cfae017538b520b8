import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');
const wheel = 'thing-1.0-py3-none-any.whl';
const content = Buffer.alloc(5 << 20, 'diffusion');
const sha256 = createHash('sha256').update(content).digest('hex');

/** A package index on this machine with one wheel; `serve` decides what a request for the wheel gets. */
function packageIndex(serve: (request: IncomingMessage, response: ServerResponse) => void): Server {
  return createServer((request, response) => {
    if (request.url?.endsWith('.whl')) return serve(request, response);
    response.setHeader('Content-Type', 'text/html');
    response.end(`<a href="/files/${wheel}">${wheel}</a>`);
  });
}

/** The wheel from the byte that is asked for, as any file server gives it. */
function serveRest(request: IncomingMessage, response: ServerResponse) {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start ? 206 : 200, { 'Content-Length': content.length - start });
  response.end(content.subarray(start));
}

describe('fetch.py', () => {
  let folder: string;
  let server: Server;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-fetch-'));
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(): Promise<string> {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Runs fetch.py as the set-up does, with a pip configuration of its own. */
  async function fetchWheel(hash: string, config: NodeJS.ProcessEnv) {
    const requirements = join(folder, 'requirements.txt');
    writeFileSync(requirements, `thing==1.0 --hash=sha256:${hash}\n`);
    const program = join(root, 'kernels/tensorflow/setup/fetch.py');
    const python = join(root, '.venv/bin/python');
    const child = spawn(python, ['-I', program, join(folder, 'wheels'), requirements], {
      env: { PATH: process.env.PATH, HOME: folder, PIP_CONFIG_FILE: '/dev/null', ...config },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    const status = await new Promise<number | null>((done) => child.on('close', done));
    return { status, output };
  }

  it('goes on where a broken connection stopped, through the mirror that pip is set to', async () => {
    const ranges: (string | undefined)[] = [];
    server = packageIndex((request, response) => {
      ranges.push(request.headers.range);
      if (ranges.length > 1) return serveRest(request, response);
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, 3 << 20), () => setTimeout(() => response.destroy(), 200));
    });
    const { status, output } = await fetchWheel(sha256, {
      PIP_INDEX_URL: `${await listen()}/simple`,
    });
    assert.equal(status, 0, output);
    assert.equal(ranges[0], undefined);
    assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
    assert.ok(readFileSync(join(folder, 'wheels', wheel)).equals(content));
    assert.match(output, /"bytes": 5242880, "total": 5242880/);
  });

  it('goes through the proxy that is set', async () => {
    const asked: string[] = [];
    server = packageIndex((request, response) => {
      asked.push(request.url ?? '');
      serveRest(request, response);
    });
    const { status, output } = await fetchWheel(sha256, {
      PIP_INDEX_URL: 'http://packages.invalid/simple',
      PIP_TRUSTED_HOST: 'packages.invalid',
      HTTP_PROXY: await listen(),
    });
    assert.equal(status, 0, output);
    assert.deepEqual(asked, [`http://packages.invalid/files/${wheel}`]);
  });

  it('throws away a file with another hash', async () => {
    server = packageIndex(serveRest);
    const { status, output } = await fetchWheel('0'.repeat(64), {
      PIP_INDEX_URL: `${await listen()}/simple`,
    });
    assert.notEqual(status, 0);
    assert.match(output, new RegExp(`${wheel} has sha256 ${sha256}, expected 0{64}`));
    assert.ok(!existsSync(join(folder, 'wheels', wheel)));
    assert.ok(!existsSync(join(folder, 'wheels', `${wheel}.incomplete`)));
  });
});
