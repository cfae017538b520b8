import assert from 'node:assert/strict';
import { TransferMeter, type TransferProgress } from '../../../src/hub/remote/progress';
import { proxyFor } from '../../../src/hub/remote/proxy';
import { RetryClock } from '../../../src/hub/remote/retry';
import { hubSettings } from '../../../src/hub/remote/settings';
import { HASTY } from '../../support/with-hub';

describe('hubSettings', () => {
  it('finds the cache where Python does', () => {
    const cache = (env: NodeJS.ProcessEnv, cacheDir?: string) =>
      hubSettings({ env: { HOME: '/home/x', ...env }, cacheDir }).cacheDir;
    assert.equal(cache({}), '/home/x/.cache/huggingface/hub');
    assert.equal(cache({ XDG_CACHE_HOME: '/xdg' }), '/xdg/huggingface/hub');
    assert.equal(cache({ HF_HOME: '~/hf' }), '/home/x/hf/hub');
    assert.equal(cache({ HF_HOME: '$DISK/hf', DISK: '/disk' }), '/disk/hf/hub');
    assert.equal(cache({ HF_HOME: '/a', HUGGINGFACE_HUB_CACHE: '/b' }), '/b');
    assert.equal(cache({ HF_HOME: '/a', HUGGINGFACE_HUB_CACHE: '/b', HF_HUB_CACHE: '/c' }), '/c');
    assert.equal(cache({ HF_HUB_CACHE: '/c' }, '/d'), '/d');
  });

  it('is offline where either variable says so', () => {
    for (const value of ['1', 'on', 'YES', 'True'])
      for (const name of ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])
        assert.equal(hubSettings({ env: { [name]: value } }).network, 'offline');
    assert.equal(hubSettings({ env: { HF_HUB_OFFLINE: '0' } }).network, 'online');
  });
});

describe('proxyFor', () => {
  const through = (url: string, env: NodeJS.ProcessEnv) => proxyFor(new URL(url), env)?.host;

  it('takes the variables in either case, and none for this machine or what is not encrypted', () => {
    assert.equal(through('https://hub.example', { https_proxy: 'http://p:1' }), 'p:1');
    assert.equal(through('https://hub.example', { HTTPS_PROXY: 'p:1' }), 'p:1');
    assert.equal(through('https://hub.example', { ALL_PROXY: 'http://p:1' }), 'p:1');
    assert.equal(through('https://hub.example', { HTTP_PROXY: 'http://p:1' }), undefined);
    assert.equal(through('https://127.0.0.1', { HTTPS_PROXY: 'http://p:1' }), undefined);
    assert.equal(through('http://localhost', { ALL_PROXY: 'http://p:1' }), undefined);
    assert.throws(
      () => through('https://hub.example', { ALL_PROXY: 'socks5://u:pw@p:1' }),
      (error: Error) => !/pw/.test(error.message),
    );
  });

  it('leaves out what NO_PROXY names', () => {
    const proxied = (NO_PROXY: string, url = 'https://cdn.hub.example') =>
      through(url, { HTTPS_PROXY: 'p:1', NO_PROXY }) !== undefined;
    for (const entry of [
      '*',
      'hub.example',
      '.hub.example',
      '*.hub.example',
      'a, cdn.hub.example',
      'hub.example:443',
    ])
      assert.ok(!proxied(entry), entry);
    for (const entry of ['', 'b.example', 'ub.example', 'hub.example:8443'])
      assert.ok(proxied(entry), entry);
  });
});

describe('RetryClock', () => {
  it('gives up after so many attempts that brought nothing', async () => {
    const clock = new RetryClock({ ...HASTY, attempts: 3, backoffMs: 0 });
    assert.deepEqual(
      [await clock.wait(), await clock.wait(), await clock.wait()],
      [true, true, false],
    );
    const lucky = new RetryClock({ ...HASTY, attempts: 2, backoffMs: 0 });
    for (let i = 0; i < 5; i++) {
      assert.ok(await lucky.wait());
      lucky.progressed();
    }
  });

  it('waits as long as the server asks, in seconds or until a date, but not for ever', async () => {
    const clock = (signal?: AbortSignal) =>
      new RetryClock({ ...HASTY, backoffMs: 0, longestWaitMs: 60_000 }, signal);
    for (const wish of ['30', new Date(Date.now() + 30_000).toUTCString()])
      await assert.rejects(clock(AbortSignal.timeout(5)).wait(wish), { name: 'TimeoutError' });
    for (const wish of ['3600', new Date(Date.now() + 3_600_000).toUTCString()])
      assert.ok(!(await clock().wait(wish)));
    for (const wish of ['0', new Date(Date.now() - 1000).toUTCString(), 'soon'])
      assert.ok(await clock().wait(wish));
  });

  it('stops waiting when it is told to', async () => {
    const clock = new RetryClock(
      { ...HASTY, backoffMs: 60_000, longestWaitMs: 60_000 },
      AbortSignal.timeout(5),
    );
    await assert.rejects(clock.wait(), { name: 'TimeoutError' });
  });
});

describe('TransferMeter', () => {
  it('counts what was there already to the whole, and not to the rate', () => {
    let now = 0;
    const told: TransferProgress[] = [];
    const what = { direction: 'download', repo: 'a/b', totalBytes: 1000, totalFiles: 2 } as const;
    const meter = new TransferMeter(
      what,
      (progress) => told.push(progress),
      () => now,
    );
    meter.add(400, 'kept');
    meter.done();
    now = 2000;
    meter.add(300);
    now = 4000;
    meter.add(100);
    const { bytes, files, bytesPerSecond, secondsLeft } = told.at(-1) as TransferProgress;
    assert.deepEqual(
      { bytes, files, bytesPerSecond, secondsLeft },
      { bytes: 800, files: 1, bytesPerSecond: 100, secondsLeft: 2 },
    );
  });

  it('takes back what was thrown away', () => {
    const told: TransferProgress[] = [];
    const what = { direction: 'download', repo: 'a/b', totalBytes: 100, totalFiles: 1 } as const;
    const meter = new TransferMeter(what, (progress) => told.push(progress));
    meter.add(100);
    meter.add(-100);
    meter.add(100);
    meter.done();
    assert.equal(told.at(-1)?.bytes, 100);
  });
});
