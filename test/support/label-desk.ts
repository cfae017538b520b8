/** A label server for some pairs, and what becomes of requests that it should refuse. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openUnlabelled } from '../../src/data';
import { LabelServer, type LabelServerOptions } from '../../src/show/label-server';
import { LabelSession } from '../../src/show/label-session';
import { enter, type RequestParts, request } from './label-client';
import { listOfPairs } from './own-pairs';
import { inTemporaryFolder } from './temporary';

export interface Desk {
  readonly server: LabelServer;
  readonly session: LabelSession;
  readonly file: string;
}

/** A server for some pairs, closed in the end. */
export function withServer<T>(
  use: (desk: Desk) => Promise<T>,
  { count = 4, seed = 0, ...options }: LabelServerOptions & { count?: number; seed?: number } = {},
): Promise<T> {
  return inTemporaryFolder(async (root) => {
    const pairs = await openUnlabelled(await listOfPairs(root, count));
    const file = join(root, 'labels.jsonl');
    const session = await LabelSession.open(pairs, { labeller: 'anna', file, seed });
    const server = await LabelServer.start(session, options);
    try {
      return await use({ server, session, file });
    } finally {
      await server.close();
    }
  });
}

export const JSON_TYPE = { 'content-type': 'application/json' };
export const CHOICE = JSON.stringify({ pair: 0, choice: 'left' });

/** Sends what is refused with a status and one sentence; nothing is written, and no page of elsewhere may read it. */
export async function refused(
  { server, file }: Desk,
  path: string,
  wrong: RequestParts,
  status: number,
  sentence: RegExp,
): Promise<void> {
  const before = readFileSync(file, 'utf8');
  const { status: found, body, headers } = await request(server.port, path, wrong);
  assert.equal(found, status, body);
  assert.match((JSON.parse(body) as { error: string }).error, sentence);
  assert.doesNotMatch(body, /\n|at .*\.ts|session":/);
  assert.equal(readFileSync(file, 'utf8'), before, 'something was written');
  const { origin } = wrong.headers ?? {};
  if (status === 403 || status === 421)
    assert.equal(headers['access-control-allow-origin'], undefined);
  else assert.equal(headers['access-control-allow-origin'], origin);
}

export const inSession = (
  use: (
    desk: Desk,
    post: (body: string, headers?: RequestParts['headers']) => RequestParts,
  ) => Promise<void>,
) =>
  withServer(async (desk) => {
    const { session } = await enter(desk.server.link());
    const key = { 'x-label-session': session };
    await use(desk, (body, headers) => ({
      method: 'POST',
      body,
      headers: { ...JSON_TYPE, ...key, ...headers },
    }));
  });
