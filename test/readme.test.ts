/** What the README says is there is there. That its commands and its code run: readme-commands.test.ts. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as library from '../src';
import { readme, root } from './support/readme';

describe('README.md', () => {
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

  it('calls functions that the library has', () => {
    const code = [...readme.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span).join('\n');
    const names = [...code.matchAll(/\b([a-z]+[A-Z]\w*)\(/g)].map(([, name = '']) => name);
    assert.ok(names.length >= 3, `only ${names} were found`);
    for (const name of names) {
      const value = (library as Readonly<Record<string, unknown>>)[name];
      assert.equal(typeof value, 'function', name);
    }
  });
});
