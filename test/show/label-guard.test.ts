import assert from 'node:assert/strict';
import {
  enter,
  parsed,
  partsOf,
  type RequestParts,
  request,
  sendRaw,
} from '../support/label-client';
import { CHOICE, inSession, JSON_TYPE, refused, withServer } from '../support/label-desk';

describe('the label server lets in neither', () => {
  it('pages of other machines, of files, and of names that only look like this machine', () =>
    inSession(async (desk, post) => {
      const origins = [
        ...[
          'https://example.org',
          'null',
          'http://localhost.example.org',
          'http://127.0.0.1.example.org',
        ],
        ...[
          'http://127.0.0.2:8888',
          'http://localhost:8888/x',
          'file://',
          'http://[::2]',
          'vscode-webview://x',
        ],
      ];
      for (const origin of origins)
        await refused(
          desk,
          '/choice',
          post(CHOICE, { origin }),
          403,
          /^Pages of ".*" may not label here\.$/,
        );
      for (const origin of ['http://localhost:8888', 'http://127.0.0.1:1', 'http://[::1]:80']) {
        const { status, headers } = await request(
          desk.server.port,
          '/choice',
          post(CHOICE, { origin }),
        );
        assert.deepEqual([status, headers['access-control-allow-origin']], [200, origin]);
      }
    }));

  it('names that were rebound to this machine', () =>
    inSession(async (desk, post) => {
      const { port } = desk.server;
      for (const host of [
        `evil.example:${port}`,
        '127.0.0.1',
        `127.0.0.1:${port + 1}`,
        `[::1]:${port}`,
        '',
      ])
        await refused(desk, '/choice', post(CHOICE, { host }), 421, /^This server is not called /);
      assert.equal(
        (await request(port, '/', { headers: { host: `LOCALHOST:${port}` } })).status,
        200,
      );
    }));

  it('a session that is missing, wrong, in the address, or of another server', () =>
    inSession(async (desk, post) => {
      const wrong = (session?: string) => post(CHOICE, { 'x-label-session': session });
      await refused(desk, '/choice', wrong(undefined), 401, /names no session/);
      for (const session of ['', 'x', 'null', 'x'.repeat(43), desk.server.ticket()])
        await refused(desk, '/choice', wrong(session), 401, /is not of this server/);
      await withServer(async ({ server }) => {
        const { session } = await enter(server.link());
        await refused(desk, '/choice', wrong(session), 401, /is not of this server/);
      });
      const { headers } = post(CHOICE);
      const path = `/choice?session=${headers?.['x-label-session']}`;
      await refused(desk, path, wrong(undefined), 400, /has no query/);
      await refused(desk, path, post(CHOICE), 400, /has no query/);
      for (const path of ['/state/0', '/pair/0', '/picture/0/left'])
        await refused(desk, path, {}, 401, /names no session/);
    }));

  it('a link that was used, one of another server, and one that is none', () =>
    withServer(async (desk) => {
      const { ticket } = partsOf(desk.server.link());
      const open = (content: object): RequestParts => ({
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify(content),
      });
      assert.equal((await request(desk.server.port, '/session', open({ ticket }))).status, 200);
      await refused(desk, '/session', open({ ticket }), 401, /^This link was used already/);
      for (const other of ['', 'x', 7, null, [ticket], { ticket }])
        await refused(
          desk,
          '/session',
          open({ ticket: other }),
          401,
          /^This link is not of this server/,
        );
    }));

  it('preflights of others than pages of this machine', () =>
    withServer(async (desk) => {
      const ask = (origin: string): RequestParts => ({
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      await refused(desk, '/choice', ask('https://example.org'), 403, /may not label here/);
      const { status, headers } = await request(
        desk.server.port,
        '/choice',
        ask('http://localhost:8888'),
      );
      assert.equal(status, 204);
      assert.equal(headers['access-control-allow-origin'], 'http://localhost:8888');
      assert.equal(headers['access-control-allow-headers'], 'content-type, x-label-session');
      assert.equal(headers['access-control-allow-credentials'], undefined);
    }));

  it('more connections than it has places for, and takes the next when one is free', () =>
    withServer(
      async ({ server }) => {
        const page = `GET / HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: close\r\n\r\n`;
        let release: (value?: unknown) => void = () => undefined;
        const released = new Promise((resolve) => {
          release = resolve;
        });
        const held = [1, 2, 3].map(() =>
          sendRaw(server.port, [page.slice(0, 30), released, page.slice(30)]),
        );
        const more = parsed(await sendRaw(server.port, [page]));
        assert.deepEqual(
          [more.status, more.body],
          [503, '{"error":"3 connections are open already."}'],
        );
        release();
        for (const one of held) assert.equal(parsed(await one).status, 200);
        assert.equal(parsed(await sendRaw(server.port, [page])).status, 200);
      },
      { limits: { connections: 3 } },
    ));

  it('all but the proxy that shows it, where one does', () =>
    withServer(
      async (desk) => {
        const { port, base } = desk.server;
        assert.equal(base, `https://hub.example/user/anna/proxy/${port}`);
        assert.ok(desk.server.link().startsWith(`${base}/#`));
        const shown = { host: 'hub.example', origin: 'https://hub.example' };
        assert.equal((await request(port, '/', { headers: shown })).status, 200);
        await refused(
          desk,
          '/',
          { headers: { ...shown, origin: 'https://other.example' } },
          403,
          /may not label/,
        );
        await refused(
          desk,
          '/',
          { headers: { ...shown, host: 'other.example' } },
          421,
          /is not called/,
        );
      },
      { baseUrl: 'https://hub.example/user/anna/proxy/{port}/' },
    ).then(() =>
      assert.rejects(
        withServer(async () => undefined, { baseUrl: '/user/anna/proxy/{port}' }),
        /^RangeError: baseUrl is /,
      ),
    ));
});
