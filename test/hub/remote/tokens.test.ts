/** The token goes to the hub that is configured, and is told to nobody else: no host, no message, no log. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { resolve } from '../../../src/hub/remote/resolve';
import { Token, withoutTokens } from '../../../src/hub/remote/secrets';
import { HubSession } from '../../../src/hub/remote/session';
import { hubSettings } from '../../../src/hub/remote/settings';
import { HASTY, noise, withHub } from '../../support/with-hub';

const TOKEN = 'hf_abcdefghijklmnopqrstuvwxyz';
const NAME = 'someone/private-model';

/** All that a person or a log could see of an error. */
function everythingOf(error: Error): string {
  const causes = inspect(error, { depth: 20, showHidden: true });
  return [error.message, error.stack, causes, JSON.stringify(error), String(error.cause)].join(
    '\n',
  );
}

describe('the token of the hub', () => {
  it('is taken from the option, HF_TOKEN, the file that HF_TOKEN_PATH names, or $HF_HOME/token', () =>
    withHub(async ({ folder }) => {
      const sent = (env: NodeJS.ProcessEnv, token?: string) =>
        hubSettings({ env: { HOME: folder, ...env }, token }).token?.authorization();
      const home = join(folder, '.cache', 'huggingface');
      mkdirSync(home, { recursive: true });
      assert.equal(sent({}), undefined);
      writeFileSync(join(home, 'token'), 'hf_fromhome\n');
      writeFileSync(join(folder, 'other'), '\r\nhf_fromfile \n');
      assert.equal(sent({}), 'Bearer hf_fromhome');
      assert.equal(sent({ HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }), undefined);
      assert.equal(sent({ HF_TOKEN_PATH: '~/other' }), 'Bearer hf_fromfile');
      assert.equal(
        sent({ HF_TOKEN_PATH: '~/other', HF_TOKEN: ' hf_fromenv\n' }),
        'Bearer hf_fromenv',
      );
      assert.equal(sent({ HF_TOKEN: 'hf_fromenv' }, 'hf_given'), 'Bearer hf_given');
    }));

  it('is refused unprinted where it could split a header', () => {
    for (const token of ['hf_quux quux', 'hf_quüx', 'hf_quux\u0000'])
      assert.throws(
        () => hubSettings({ token, env: {} }),
        (error: Error) => {
          assert.match(error.message, /^The token of the option token has spaces or characters/);
          return !/qu[uü]x/.test(everythingOf(error));
        },
      );
  });

  it('says nothing when it is printed', () => {
    const token = new Token(TOKEN, 'test');
    const session = new HubSession({ type: 'model', name: NAME }, { env: { HF_TOKEN: TOKEN } });
    for (const shown of [
      ...[`${token}`, inspect(token, { showHidden: true }), JSON.stringify({ token })],
      ...[inspect(session.settings.token), JSON.stringify(session.settings.token)],
    ])
      assert.doesNotMatch(shown, /abcdef/);
    assert.equal(withoutTokens(`a ${TOKEN}, b`), 'a hf_…, b');
  });

  it('goes to the hub, and not along to where its files are', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, { 'config.json': '{}', 'model.safetensors': noise(100) });
      await resolve(NAME, { ...options, token: TOKEN });
      assert.ok(hub.asked.some(({ host }) => host === 'cdn'));
      for (const { host, authorization } of hub.asked)
        assert.equal(authorization, host === 'hub' ? `Bearer ${TOKEN}` : undefined);
    }));

  it('does not follow the link to the next page to another host', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, { 'a.json': '1', 'b.json': '2' });
      hub.pageSize = 1;
      hub.nextPageAt = hub.cdnOrigin;
      await assert.rejects(resolve(NAME, { ...options, token: TOKEN }), /another host/);
      assert.ok(hub.asked.every(({ host }) => host === 'hub'));
    }));

  for (const path of ['%2e%2e/%2e%2e/api/whoami-v2', '../../api/whoami-v2', '..%2fx', 'a?b', 'a#b'])
    it(`is not carried out of the repository by a file called ${path}`, () =>
      withHub(async ({ hub, options }) => {
        hub.add(NAME, { 'config.json': '{}', [path]: 'x' });
        const asked = { ...options, token: TOKEN };
        await resolve(NAME, { ...asked, files: ['config.json'] }); // the others may be used
        await assert.rejects(resolve(NAME, { ...asked, files: ['**'] }), /is refused: it /);
        for (const { path: url } of hub.asked) assert.doesNotMatch(url, /whoami|\?b|%2f|\.\./i);
      }));

  it('is in no message, though the hub tells it back', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, { 'config.json': '{}' });
      const repo = hub.store.repos.get(`model ${NAME}`);
      const wrong = 'hf_wrongwrongwrongwrong';
      for (const access of ['private', 'gated'] as const) {
        if (repo) repo.access = access;
        await assert.rejects(resolve(NAME, { ...options, token: wrong }), (error: Error) => {
          assert.doesNotMatch(everythingOf(error), /wrongwrong/);
          return true;
        });
      }
    }));

  it('is not sent in the clear over a network', () => {
    for (const endpoint of [
      'http://hub.example',
      'ftp://hub.example',
      'https://u:p@hub.example',
      'https://hub.example?x=1',
      'hub.example',
    ])
      assert.throws(
        () => hubSettings({ endpoint, env: {} }),
        (error: Error) => {
          assert.match(
            error.message,
            /^HF_ENDPOINT should be the plain address of a hub that begins with https/,
          );
          return !/u:p@/.test(error.message);
        },
      );
    for (const endpoint of [
      'https://hub.example/',
      'http://localhost:80',
      'http://[::1]:5',
      'https://hub.example/prefix',
    ])
      assert.ok(hubSettings({ endpoint, env: {} }).endpoint.href.endsWith('/'));
  });

  it('does not reach a proxy: it sees the name of the host, and the login meant for it', async () => {
    const seen: { url: string | undefined; headers: IncomingHttpHeaders }[] = [];
    const proxy = createServer().on('connect', ({ url, headers }, socket) => {
      seen.push({ url, headers });
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const { port } = proxy.address() as AddressInfo;
    try {
      const env = {
        HTTPS_PROXY: `http://user:p%40ss@127.0.0.1:${port}`,
        HF_TOKEN: TOKEN,
        HF_HOME: '/nowhere',
      };
      await assert.rejects(resolve(NAME, { env, patience: HASTY }), (error: Error) => {
        assert.match(
          error.message,
          /^The proxy 127\.0\.0\.1:\d+ gives no way to huggingface\.co:443: it answered 407\.$/,
        );
        return !/p@ss|p%40ss/.test(everythingOf(error));
      });
      assert.equal(seen[0]?.url, 'huggingface.co:443');
      const login = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
      assert.equal(seen[0]?.headers['proxy-authorization'], login);
      assert.doesNotMatch(JSON.stringify(seen), /abcdef/);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe('a refusal of the hub', () => {
  it('says what to do, and names the page where access is asked for', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, { 'config.json': '{}', 'model.safetensors': 'x' });
      const repo = hub.store.repos.get(`model ${NAME}`);
      const page = `${hub.endpoint}/${NAME}`;
      const says = async (access: 'private' | 'gated', token: string | undefined, text: string) => {
        if (repo) repo.access = access;
        await assert.rejects(resolve(NAME, { ...options, token }), {
          name: 'HubError',
          message: text,
        });
      };
      const settings = `${hub.endpoint}/settings/tokens`;
      await says(
        'gated',
        undefined,
        `${NAME} is gated (401): ask for access at ${page}, then set HF_TOKEN to a token (${settings}).`,
      );
      await says(
        'gated',
        'hf_other123',
        `${NAME} is gated (403): ask for access at ${page}, then use a token of that account.`,
      );
      await says(
        'private',
        undefined,
        `${NAME} is gated (401): ask for access at ${page}, then set HF_TOKEN to a token (${settings}).`,
      );
      await assert.rejects(resolve('someone/none', options), {
        message: `someone/none is not shown without a login (401): it does not exist, or is private or gated; look at ${hub.endpoint}/someone/none, and set HF_TOKEN to a token (${settings}).`,
      });
      await assert.rejects(resolve('someone/none', { ...options, token: TOKEN }), {
        message: `someone/none is no model on the hub (404), or a private one: check the name at ${hub.endpoint}/someone/none.`,
      });
      await resolve(NAME, { ...options, token: TOKEN });
    }));
});
