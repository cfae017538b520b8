import assert from 'node:assert/strict';
import { homedir, hostname, userInfo } from 'node:os';
import type { CellOutput, Json, Notebook } from '../../src/cli/notebook-file';
import { privateHere, secretsIn } from '../../src/cli/notebook-secrets';

const machine = { folders: ['/z/clone'], names: ['ada', 'green', 'root', 'box-17'] };

/** What is found in a notebook whose only cell shows `outputs`. */
function found(...outputs: readonly CellOutput[]): string[] {
  const rest = { id: 'c', metadata: {}, source: "draw('a green star')", execution_count: 1 };
  const cells = [{ cell_type: 'code', ...rest, outputs } as const];
  const notebook: Notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
  return secretsIn(notebook, machine).map((sentence) =>
    sentence.replace('An output of cell c shows ', ''),
  );
}

const print = (text: string): CellOutput => ({ output_type: 'stream', name: 'stdout', text });
const show = (data: Json, metadata: Json = {}): CellOutput => ({
  output_type: 'display_data',
  data,
  metadata,
});

describe('secretsIn', () => {
  it('finds absolute paths, of this system and of others', () => {
    const path = 'an absolute path: ';
    assert.deepEqual(found(print('saved in /srv/runs/a.png now')), [`${path}/srv/runs`]);
    assert.deepEqual(found(print('at file:///srv/a.ts')), [`${path}file:///srv/a.ts`]);
    assert.deepEqual(found(print('C:\\Users\\x')), [`${path}C:\\Users\\x`]);
    assert.deepEqual(found(show({ 'text/html': '<a href="/opt/x/y">a</a>' })), [`${path}/opt/x`]);
    assert.deepEqual(found(print('(/home/x/b:3)')), [`${path}/home/x`]);
    assert.deepEqual(found(print('/z/clone')), [
      `${path}/z/clone`,
      'a folder of this machine: /z/clone',
    ]);
  });

  it('finds names of users and hosts, tokens, passwords and addresses', () => {
    const name = 'the name of the user or the host: ';
    assert.deepEqual(found(print('by Ada.')), [`${name}ada`]);
    assert.deepEqual(found(show({}, { host: 'box-17' })), [`${name}box-17`]);
    assert.match(found(print(`hf_${'aB3'.repeat(10)}`))[0] ?? '', /^a token: hf_aB3/);
    assert.match(found(print(`Bearer ${'x'.repeat(20)}`))[0] ?? '', /^a token/);
    assert.match(found(print('https://u:p@example.org/'))[0] ?? '', /^a password/);
    assert.match(found(print('to a.b@example.org'))[0] ?? '', /^an e-mail address/);
    const traceback = ['at /srv/lib/x.ts:3'];
    const error = { output_type: 'error', ename: 'E', evalue: 'v', traceback } as const;
    assert.match(found(error)[0] ?? '', /^an absolute path/);
  });

  it('leaves alone what only looks like one', () => {
    const harmless = [
      'runs/2026-01-01/a.png, ../src/show, ./a/b, ~/x/y, 3/4/5, and/or/not, </b></i>, text/plain',
      'https://arxiv.org/abs/2311.12908, tfjs-node-gpu@4.22.0, 12:30, x: y, square root, adapter',
      'a green star', // a word of the lesson
    ];
    assert.deepEqual(found(print(harmless.join('\n'))), []);
    const picture = 'aaa/home/ada/bbb/AKIAAAAAAAAAAAAAAAAA';
    const html = `<img src="data:image/png;base64,${picture}">`;
    assert.deepEqual(found(show({ 'image/png': picture, 'text/html': html })), []);
  });

  it('knows the folders and names of the machine it runs on', () => {
    const { folders, names } = privateHere();
    assert.ok(__dirname.startsWith(folders[0] ?? '?') && folders.includes(homedir()));
    assert.deepEqual(names.slice(0, 2), [userInfo().username, hostname()]);
  });
});
