/** A server that cuts, flips, stalls and lies: what arrives is the file, or nothing is kept. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { resolve } from '../../../src/hub/remote/resolve';
import type { Fault } from '../../support/mock-hub-faults';
import { sha256 } from '../../support/mock-hub-store';
import { type HubTrial, noise, withHub } from '../../support/with-hub';

const NAME = 'someone/weights';
const CONTENTS = noise(300_000);
const FILE = { files: ['model.safetensors'] };

const withFile = (fn: (trial: HubTrial & { readonly blobs: string }) => Promise<unknown>) =>
  withHub(async (trial) => {
    trial.hub.add(NAME, { 'model.safetensors': CONTENTS });
    const blobs = join(trial.cacheDir, 'models--someone--weights', 'blobs');
    await fn({ ...trial, blobs });
  });

describe('a download from a bad server', () => {
  /** The fault passes: the file must arrive, with at most `most` bytes sent for it. */
  function survives(fault: Fault, times: number, most: number): void {
    it(`arrives after: ${fault}, ${times} times`, () =>
      withFile(async ({ hub, options, blobs }) => {
        hub.fail(fault, { times });
        const { files } = await resolve(NAME, { ...options, ...FILE });
        assert.deepEqual(readFileSync(files[0] ?? ''), CONTENTS);
        assert.deepEqual(readdirSync(blobs), [sha256(CONTENTS)]);
        assert.ok(hub.bytesSent <= most, `${hub.bytesSent} bytes were sent`);
      }));
  }
  const size = CONTENTS.length;
  // A chunk of a connection that was cut may be lost on the way.
  survives('cut', 5, size + 5 * 65_536);
  survives('stall', 1, size + 65_536);
  survives('short, chunked', 4, size);
  survives('flipped bit', 2, 3 * size);
  survives('429', 3, size);
  survives('500', 2, size);
  survives('slow', 1, size);
  survives('wrong etag', 1, size);

  /** The fault stays: the download must end in a sentence, and keep nothing under the blob's name. */
  function refuses(fault: Fault, text: RegExp): void {
    it(`is refused: ${fault}, always`, () =>
      withFile(async ({ hub, options, blobs, cacheDir }) => {
        hub.fail(fault, { times: 1000 });
        await assert.rejects(resolve(NAME, { ...options, ...FILE }), (error: Error) => {
          assert.equal(error.name, 'HubError');
          assert.match(error.message, text);
          assert.doesNotMatch(error.message, /Signature|s3cret/);
          return true;
        });
        assert.ok(!existsSync(join(blobs, sha256(CONTENTS))), 'something was published');
        assert.deepEqual(readdirSync(join(cacheDir, 'models--someone--weights')), ['blobs']);
      }));
  }
  refuses(
    'flipped bit',
    /"model\.safetensors" came damaged 3 times \(sha256 .*, expected .*\); nothing of it was kept\./,
  );
  refuses('short', /should have 300000 bytes, but the server sends 150000/);
  refuses('long', /should have 300000 bytes, but the server sends 300100/);
  refuses('500', /answered 500/);
  refuses('429', /answered 429/);
  refuses(
    'redirect to http elsewhere',
    /redirects to http:\/\/203\.0\.113\.7\/evil, which is not https/,
  );
  refuses('redirect loop', /without end/);

  it('goes on where a process that died left off', () =>
    withFile(async ({ hub, options, blobs }) => {
      mkdirSync(blobs, { recursive: true });
      const left = join(blobs, `${sha256(CONTENTS)}.${hostOf()}-999999999-01234567.incomplete`);
      writeFileSync(left, CONTENTS.subarray(0, 290_000));
      const { files } = await resolve(NAME, { ...options, ...FILE });
      assert.deepEqual(readFileSync(files[0] ?? ''), CONTENTS);
      assert.equal(hub.bytesSent, 10_000);
      assert.deepEqual(readdirSync(blobs), [sha256(CONTENTS)]);
    }));

  /** Beginnings that a dead process left, and how a server answers a request for the rest. */
  function beginning(title: string, bytes: Buffer, fault: Fault | undefined, sent: number): void {
    it(`does not trust ${title}`, () =>
      withFile(async ({ hub, options, blobs }) => {
        mkdirSync(blobs, { recursive: true });
        writeFileSync(
          join(blobs, `${sha256(CONTENTS)}.${hostOf()}-999999999-01234567.incomplete`),
          bytes,
        );
        if (fault) hub.fail(fault, { times: 1 });
        const { files } = await resolve(NAME, { ...options, ...FILE });
        assert.deepEqual(readFileSync(files[0] ?? ''), CONTENTS);
        assert.equal(hub.bytesSent, sent);
      }));
  }
  beginning('a beginning of something else', noise(290_000, 5), undefined, 10_000 + size);
  beginning('a beginning that is too long', noise(290_000 * 2, 5), undefined, size);
  beginning(
    'a whole file with a wrong bit',
    Buffer.concat([CONTENTS.subarray(1), Buffer.alloc(1)]),
    undefined,
    size,
  );
  beginning(
    'a server that ignores the range',
    CONTENTS.subarray(0, 290_000),
    'range ignored',
    size,
  );

  for (const fault of ['wrong range', '416'] as const)
    it(`refuses the answer to a range: ${fault}`, () =>
      withFile(async ({ hub, options, blobs }) => {
        mkdirSync(blobs, { recursive: true });
        writeFileSync(
          join(blobs, `${sha256(CONTENTS)}.${hostOf()}-999999999-01234567.incomplete`),
          CONTENTS.subarray(0, 290_000),
        );
        hub.fail(fault);
        await assert.rejects(
          resolve(NAME, { ...options, ...FILE }),
          /should have 300000 bytes, but the server sends/,
        );
        const { files } = await resolve(NAME, { ...options, ...FILE });
        assert.deepEqual(readFileSync(files[0] ?? ''), CONTENTS);
      }));

  it('does not wait longer than is reasonable', () =>
    withFile(async ({ hub, options }) => {
      hub.fail('429', { times: 1000 });
      const patience = { ...options.patience, longestWaitMs: -1 }; // less than the 0 s that are asked for
      await assert.rejects(resolve(NAME, { ...options, ...FILE, patience }), /answered 429/);
      assert.equal(hub.asked.filter(({ host }) => host === 'cdn').length, 1);
    }));

  it('happens once for two callers in one process', () =>
    withFile(async ({ hub, options }) => {
      hub.fail('slow', { times: 1 });
      const both = [1, 2].map(() => resolve(NAME, { ...options, ...FILE }));
      const [a, b] = await Promise.all(both);
      assert.deepEqual(a?.files, b?.files);
      assert.equal(hub.bytesSent, size);
    }));
});

/** The mark of this machine in the names of beginnings. */
const hostOf = () => sha256(Buffer.from(hostname())).slice(0, 8);
