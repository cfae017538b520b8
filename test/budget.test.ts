import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const maxLines = 300;
const maxFixtureBytes = 20_000_000;
const counted = /\.(ts|mjs|cjs|js|cc|h|py)$/;
const skipped = new Set(['node_modules', 'build', 'fixtures']);

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : sourceFiles(path);
    return counted.test(entry.name) ? [path] : [];
  });
}

describe('file size budget', () => {
  const files = ['src', 'kernels', 'test'].flatMap((folder) => sourceFiles(join(root, folder)));
  const lines = files.map((path) => readFileSync(path, 'utf8').trimEnd().split('\n').length);

  it(`keeps every source file within ${maxLines} lines`, () => {
    const over = files.flatMap((path, i) =>
      (lines[i] ?? 0) > maxLines ? [`${relative(root, path)}: ${lines[i]}`] : [],
    );
    assert.deepEqual(over, []);
  });

  it('keeps the median source file within 120 lines', () => {
    const sorted = [...lines].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    assert.ok(median <= 120, `median ${median} lines over ${files.length} files`);
  });
});

describe('size of the fixtures', () => {
  it(`is within ${maxFixtureBytes / 1e6} MB in all`, () => {
    const folder = join(root, 'test', 'fixtures');
    const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.includes('__pycache__'))
      .map((file) => ({ file, entry: statSync(join(folder, file)) }))
      .flatMap(({ file, entry }) => (entry.isFile() ? [{ file, size: entry.size }] : []))
      .sort((a, b) => b.size - a.size);
    const sum = sizes.reduce((total, { size }) => total + size, 0);
    const largest = sizes.slice(0, 8).map(({ file, size }) => `${file}: ${size}`);
    assert.ok(sum <= maxFixtureBytes, `${sum} bytes; the largest:\n${largest.join('\n')}`);
  });
});
