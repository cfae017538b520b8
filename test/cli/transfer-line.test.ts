import assert from 'node:assert/strict';
import { TransferLine, transferText } from '../../src/cli/transfer-line';

const progress = {
  direction: 'download',
  repo: 'someone/model',
  ...{ bytes: 1_200_000_000, totalBytes: 2_700_000_000, files: 9, totalFiles: 15 },
  ...{ bytesPerSecond: 25_000_000, secondsLeft: 60 },
} as const;

describe('transferText', () => {
  it('tells bytes, files, rate and time left', () => {
    assert.equal(
      transferText(progress),
      'downloading someone/model: 1.2 GB of 2.7 GB · file 9 of 15 · 25 MB/s · 1:00 left',
    );
  });

  it('tells no rate before anything has come, and no time when all has', () => {
    const start = { ...progress, bytesPerSecond: 0, secondsLeft: undefined };
    assert.equal(transferText(start), 'downloading someone/model: 1.2 GB of 2.7 GB · file 9 of 15');
    const end = { ...progress, direction: 'upload', files: 15 } as const;
    assert.equal(
      transferText(end),
      'uploading someone/model: 1.2 GB of 2.7 GB · file 15 of 15 · 25 MB/s',
    );
  });
});

describe('TransferLine', () => {
  it('is silent where all was in the cache', () => {
    let text = '';
    const line = new TransferLine({
      write: (part) => {
        text += part;
      },
    });
    const { onProgress } = line.options();
    onProgress({ ...progress, bytesPerSecond: 0 });
    onProgress({ ...progress, files: 15, bytesPerSecond: 0 });
    assert.equal(text, '');
    onProgress({ ...progress, bytes: 0, files: 0, bytesPerSecond: 0 });
    assert.match(text, /0 B of 2\.7 GB · file 0 of 15/, 'a hub that lets one wait');
  });
});
