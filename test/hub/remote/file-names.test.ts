import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { checkFileNames, faultOfName } from '../../../src/hub/remote/file-names';
import { resolve } from '../../../src/hub/remote/resolve';
import { withHub } from '../../support/with-hub';

/** Names that would be written elsewhere, or mean something else on another system. */
const HOSTILE = [
  ...['..', '../x', 'a/../../x', 'a/..', './x', 'a/./b', '/etc/passwd', '//host/share', '/', ''],
  ...[
    'a//b',
    'a/',
    'C:\\x',
    'C:x',
    'c:/x',
    '\\\\host\\share',
    '\\x',
    'a\\..\\b',
    'a\\b',
    'x:stream',
  ],
  ...['%2e%2e/x', 'a%00', 'a?b', 'a#b', 'a*', 'a|b', 'a<b', 'a>b', 'a"b'],
  ...[
    'a\u0000b',
    'a\nb',
    'a\rb',
    'a\u001b[2Jb',
    'a\u007fb',
    'a\u0085b',
    'a\u202egnp.exe',
    'a\u200bb',
    'a\u2028b',
  ],
  ...[
    'nul',
    'NUL.txt',
    'con',
    'a/aux.json',
    'prn.safetensors',
    'COM1',
    'lpt9.x',
    'com¹',
    'CONIN$',
    'conout$.a',
  ],
  ...[
    'a.',
    'a ',
    ' a',
    'dir./x',
    '~/x',
    '~root/x',
    '\ud800',
    'x'.repeat(256),
    `${'y/'.repeat(600)}z`,
  ],
];

describe('names of files in a repository', () => {
  it(`of ${HOSTILE.length} hostile ones none passes`, () => {
    assert.ok(HOSTILE.length >= 50);
    assert.deepEqual(
      HOSTILE.filter((name) => faultOfName(name) === undefined),
      [],
    );
  });

  it('pass where they are plain', () => {
    for (const name of [
      'a',
      '.gitattributes',
      'unet/config.json',
      'a b/c (1).txt',
      'data/train-00000-of-00646.parquet',
      'é/日本.png',
      'console.txt',
      'null',
      'a..b',
    ])
      assert.equal(faultOfName(name), undefined, name);
  });

  it('may not be one name where letter case does not count, nor a file and a folder', () => {
    assert.throws(
      () => checkFileNames(['unet/a.json', 'UNet/A.json']),
      /"UNet\/A\.json" is refused: it is "unet\/a\.json" where/,
    );
    assert.throws(
      () => checkFileNames(['caf\u00e9', 'cafe\u0301']),
      /where letter case does not count/,
    );
    assert.throws(() => checkFileNames(['a', 'a/b']), /"a\/b" is refused: "a" is a file/);
    checkFileNames(['a/b', 'a/c', 'ab']);
  });

  it('bring nothing onto the disk', () =>
    withHub(async ({ hub, folder, options }) => {
      const names = HOSTILE.filter((name) => name !== '' && !/[\ud800-\udfff]/.test(name));
      for (const [i, name] of names.entries()) {
        hub.add(`someone/n${i}`, { [name]: 'evil' });
        await assert.rejects(
          resolve(`someone/n${i}`, { ...options, files: ['**'] }),
          /refused|no file/,
        );
      }
      const written = readdirSync(folder, { recursive: true }).map(String);
      assert.deepEqual(
        written.filter((path) => /blobs.|snapshots./.test(path)),
        [],
      );
    }));

  it('are not followed through a link that leads out of the snapshot', () =>
    withHub(async ({ hub, folder, cacheDir, options }) => {
      const commit = hub.add('someone/model', { 'unet/config.json': '{}' });
      const snapshot = join(cacheDir, 'models--someone--model', 'snapshots', commit);
      const elsewhere = join(folder, 'elsewhere');
      for (const path of [snapshot, elsewhere]) mkdirSync(path, { recursive: true });
      symlinkSync(elsewhere, join(snapshot, 'unet'));
      await assert.rejects(
        resolve('someone/model', { ...options, subfolder: 'unet' }),
        /leads out of the cache/,
      );
      assert.ok(!existsSync(join(elsewhere, 'config.json')));
    }));
});
