/** What the README tells people to type works, and what it says is there is there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readPngText } from '../src/data/read-png-text';
import { inTemporaryFolder } from './support/temporary';

const root = resolve(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/^(npm [^#\n]+)/gm)].map(([, line = '']) => line.trim());
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

describe('README.md', () => {
  it('names npm scripts that exist, whose programs exist', () => {
    assert.ok(commands.length >= 8, `only ${commands.length} commands were found`);
    for (const command of commands) {
      const [, first = '', second = ''] = command.split(/\s+/);
      const script = scripts[first === 'run' ? second : first];
      assert.ok(script, `"${command}" is no script of package.json`);
      for (const [program] of script.matchAll(/\S+\.(ts|mjs)\b/g))
        assert.ok(existsSync(join(root, program)), `"${command}" runs ${program}`);
    }
  });

  it('links to files and folders that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path = '']) => path);
    const folders = [...readme.matchAll(/`([a-z]+\/(?:[a-z]+\/)?)`/g)].map(([, path = '']) => path);
    assert.ok(links.length > 0 && folders.length > 8);
    for (const path of [...links, ...folders]) {
      const places = [root, join(root, 'kernels'), join(root, 'test')];
      assert.ok(
        places.some((place) => existsSync(join(place, path))),
        `README.md names ${path}`,
      );
    }
  });

  it('draws the picture of its sample command', async () => {
    const command = commands.find((line) => line.startsWith('npm run sample')) ?? '';
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? '');
    const args = words.slice(words.indexOf('--') + 1);
    await inTemporaryFolder(async (folder) => {
      const output = join(folder, 'out.png');
      args[args.indexOf('out.png')] = output;
      execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/sample.ts', ...args], {
        cwd: root,
        stdio: 'pipe',
      });
      const text = readPngText(readFileSync(output));
      assert.equal(text.get('prompt'), 'a red star on a white background');
      assert.equal(text.get('seed'), '7');
    });
  });
});
