import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { enter, parsed, request, sendRaw } from '../support/label-client';
import { CHOICE, inSession, refused, withServer } from '../support/label-desk';

describe('the label server refuses', () => {
  it('content that is too large, told or not', () =>
    inSession(async (desk, post) => {
      const large = CHOICE.padEnd(1025);
      await refused(desk, '/choice', post(large), 413, /larger than 1024 bytes/);
      const { headers } = post('', { 'transfer-encoding': 'chunked', 'content-length': undefined });
      const chunk = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
      await refused(
        desk,
        '/choice',
        { method: 'POST', headers: headers ?? {}, body: chunk },
        413,
        /larger than 1024/,
      );
      assert.equal(
        (await request(desk.server.port, '/choice', post(CHOICE.padEnd(1024)))).status,
        200,
      );
    }));

  it('content that is malformed, of another type, or has more or less in it than it should', () =>
    inSession(async (desk, post) => {
      for (const type of [
        '',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'application/jsonp',
      ])
        await refused(
          desk,
          '/choice',
          post(CHOICE, { 'content-type': type }),
          415,
          /must be application\/json/,
        );
      for (const body of ['', '{', `${CHOICE}x`, '{"pair":NaN,"choice":"left"}', "{'pair':0}"])
        await refused(desk, '/choice', post(body), 400, /^The content is not JSON\.$/);
      const raw = Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1');
      await refused(
        desk,
        '/choice',
        post(raw, { 'content-length': '4' }),
        400,
        /not JSON|not UTF-8/,
      );
      const fields = [
        ...['null', '7', '"x"', '[]', '{}', '{"pair":0}', '[{"pair":0,"choice":"left"}]'],
        ...[
          '{"pair":0,"choice":"left","labeller":"bert"}',
          '{"pair":0,"choice":"left","__proto__":{"x":1}}',
        ],
        ...[
          '{"pair":0,"choice":"left","constructor":{"prototype":{}}}',
          '{"__proto__":{"pair":0,"choice":"left"}}',
        ],
      ];
      for (const body of fields)
        await refused(
          desk,
          '/choice',
          post(body),
          400,
          /must be an object with pair and choice, and nothing else/,
        );
      assert.equal(Reflect.get({}, 'x'), undefined);
      await refused(desk, '/undo', post('{"pair":0}'), 400, /with no fields, and nothing else/);
      await refused(desk, '/finish', post('[]'), 400, /with no fields/);
    }));

  it('choices and pairs that are none', () =>
    inSession(async (desk, post) => {
      for (const choice of [
        'Left',
        'jpg_0',
        '',
        'toString',
        null,
        0,
        1,
        0.5,
        true,
        ['left'],
        { left: 1 },
      ])
        await refused(
          desk,
          '/choice',
          post(JSON.stringify({ pair: 0, choice })),
          400,
          /must be one of left, right, tie/,
        );
      for (const pair of ['0', null, [0], {}, true])
        await refused(
          desk,
          '/choice',
          post(JSON.stringify({ pair, choice: 'left' })),
          400,
          /must be a number/,
        );
      for (const pair of [4, -1, 0.5, 1e300])
        await refused(
          desk,
          '/choice',
          post(JSON.stringify({ pair, choice: 'left' })),
          404,
          /^There is no pair /,
        );
      const get = { headers: post('').headers ?? {} };
      await refused(desk, '/pair/4', get, 404, /^There is no pair 4; there are 4, from 0\.$/);
      await refused(desk, '/picture/99/left', get, 404, /^There is no pair 99/);
    }));

  it('addresses that are none, above all those of files', () =>
    inSession(async (desk, post) => {
      const get = { headers: post('').headers ?? {} };
      const paths = [
        ...[
          '/picture/0/../../pairs.jsonl',
          '/picture/0/%2e%2e/labels.jsonl',
          '/picture/..%2f0/left',
          '//etc/hostname',
        ],
        ...[
          '/picture/0/jpg_0',
          '/picture/0/left/',
          '/picture/-1/left',
          '/picture/1e1/left',
          '/picture/0-a.png',
        ],
        ...[
          '/labels.jsonl',
          '/state/',
          '/pair/00000000000000',
          '*',
          'http://127.0.0.1/state/0',
          '/index.html',
        ],
      ];
      for (const path of paths)
        await refused(desk, path, get, 404, /^There is nothing at this address\.$/);
    }));

  it('other methods', () =>
    inSession(async (desk, post) => {
      const { headers } = post('');
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD']) {
        if (method !== 'HEAD')
          await refused(
            desk,
            '/choice',
            { method, headers: headers ?? {} },
            405,
            /takes POST, not /,
          );
        assert.equal(
          (await request(desk.server.port, '/choice', { method, headers: headers ?? {} })).headers
            .allow,
          'POST',
        );
      }
      await refused(desk, '/state/0', post('{}'), 405, /takes GET, not POST/);
      await refused(desk, '/choice', { method: 'OPTIONS' }, 405, /takes POST, not OPTIONS/);
    }));

  it('requests that come too slowly, and what is no HTTP', () =>
    withServer(
      async ({ server, file }) => {
        const before = readFileSync(file, 'utf8');
        const { session } = await enter(server.link());
        const head = `POST /choice HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nx-label-session: ${session}\r\ncontent-type: application/json\r\ncontent-length: ${CHOICE.length}\r\n\r\n`;
        const unfinished = [head + CHOICE.slice(0, 9), head.slice(0, 40)];
        const answers = unfinished.map((text) => sendRaw(server.port, [text]));
        for (const answer of answers) {
          const { status, body } = parsed(await answer);
          assert.equal(status, 408);
          assert.equal(body, '{"error":"The request did not arrive in time."}');
        }
        const noise = parsed(await sendRaw(server.port, ['\0\0\0\r\n\r\n']));
        assert.deepEqual([noise.status, noise.body], [400, '{"error":"This is no HTTP."}']);
        const large = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
        assert.equal(parsed(await sendRaw(server.port, [large])).status, 431);
        assert.equal(readFileSync(file, 'utf8'), before);
      },
      { limits: { requestMs: 800 } },
    ));
});
