import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(__dirname, '..', '..', '..');
const kernels = join(root, 'kernels', 'tensorflow');
const binding = join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'binding');

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly times: number;
  readonly replace: string;
  readonly reason: string;
}

/** A module of the set-up, which is plain JavaScript because it runs before there are packages. */
async function load<T>(...names: readonly string[]): Promise<T> {
  return (await import(pathToFileURL(join(...names)).href)) as T;
}

describe('the edits of the tfjs addon', () => {
  let folder: string;
  let edits: readonly Edit[];
  let copyEdited: (from: string, to: string, edits: readonly Edit[]) => void;
  before(async () => {
    ({ edits } = await load<{ edits: readonly Edit[] }>(kernels, 'addon', 'edits.mjs'));
    ({ copyEdited } = await load<{ copyEdited: typeof copyEdited }>(
      ...[kernels, 'setup', 'edit-sources.mjs'],
    ));
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-edits-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Small sources in a folder, and where their edited copies go. */
  function sources(files: Readonly<Record<string, string>>) {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    mkdirSync(from);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(from, name), text);
    return { from, to };
  }

  const wider: Edit = {
    ...{ file: 'ids.h', find: 'int32_t', times: 2, replace: 'int64_t' },
    reason: 'ids count further',
  };

  it('fit the installed sources, and leave no number of a handle in int32', () => {
    const to = join(folder, 'edited');
    copyEdited(binding, to, edits);
    const edited = readFileSync(join(to, 'tfjs_backend.cc'), 'utf8');
    assert.notEqual(edited, readFileSync(join(binding, 'tfjs_backend.cc'), 'utf8'));
    for (const line of edited.split('\n'))
      assert.doesNotMatch(line, /int32.*\b(tensor_id|tensor_id_value|InsertHandle)\b/);
  });

  it('leave no use of the function that shares memory with JavaScript', () => {
    const to = join(folder, 'edited');
    copyEdited(binding, to, edits);
    const uses = readFileSync(join(to, 'tfjs_backend.cc'), 'utf8').match(/DeallocTensor\b/g);
    assert.equal(uses?.length, 2, 'its definition and the unused constructor');
    const constructors = readFileSync(join(to, 'tfjs_backend.cc'), 'utf8').match(
      /CreateTFE_TensorHandleFromTypedArray\b/g,
    );
    assert.equal(constructors?.length, 1, 'defined, never called');
  });

  it('keep what they search for short: nothing of the package is copied here', () => {
    for (const { find } of edits) assert.ok(find.length <= 60 && !find.includes('\n'), find);
  });

  it('change copies only, each place, in order', () => {
    const { from, to } = sources({ 'ids.h': 'int32_t a; int32_t b;', 'other.h': 'int32_t c;' });
    copyEdited(from, to, [wider, { ...wider, find: 'a; int64_t', times: 1, replace: 'a, ' }]);
    assert.equal(readFileSync(join(to, 'ids.h'), 'utf8'), 'int64_t a,  b;');
    assert.equal(readFileSync(join(to, 'other.h'), 'utf8'), 'int32_t c;');
    assert.equal(readFileSync(join(from, 'ids.h'), 'utf8'), 'int32_t a; int32_t b;');
  });

  it('refuse a source that differs, in one sentence that names file and edit', () => {
    const { from, to } = sources({ 'ids.h': 'int32_t a; long b;' });
    assert.throws(
      () => copyEdited(from, to, [wider]),
      /^(Setup)?Error: The source ids\.h is not the one that our edits are for: "int32_t" must be in it 2 times and is there once \(edit: ids count further\); install .* run the same command again\.$/,
    );
    const third = 'int32_t a; int32_t b; int32_t c;';
    writeFileSync(join(from, 'ids.h'), third);
    assert.throws(() => copyEdited(from, to, [wider]), /ids\.h .* 2 times and is there 3 times/);
  });

  it('refuse a package without the file, by name', () => {
    const { from, to } = sources({ 'other.h': '' });
    assert.throws(
      () => copyEdited(from, to, [wider]),
      /^(Setup)?Error: The source ids\.h, which our edits change, is missing \(edit: ids count further\); /,
    );
  });
});

describe('the set-up of the tfjs addon', () => {
  let clone: string;
  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'dpo-addon-'));
    for (const name of ['setup', 'addon'])
      cpSync(join(kernels, name), join(clone, 'kernels/tensorflow', name), { recursive: true });
    mkdirSync(join(clone, 'kernels/tensorflow/build'));
    const built = ['node_modules', 'kernels/tensorflow/build/tensorflow'];
    for (const name of built) symlinkSync(join(root, name), join(clone, name));
  });
  afterEach(() => {
    rmSync(clone, { recursive: true, force: true });
  });

  /** What the addon would be made from, as a fresh process sees it. */
  async function hash(query: string): Promise<string> {
    const module = pathToFileURL(join(clone, 'kernels/tensorflow/setup/addon.mjs')).href;
    const { tfjsAddon } = await import(`${module}?${query}`);
    return (tfjsAddon as { hash(): string }).hash();
  }

  it('is made again when an edit or what it adds changes', async () => {
    const first = await hash('first');
    assert.equal(await hash('again'), first);
    appendFileSync(join(clone, 'kernels/tensorflow/addon/edits.mjs'), '// another edit\n');
    const second = await hash('edited');
    assert.notEqual(second, first);
    appendFileSync(join(clone, 'kernels/tensorflow/addon/handles.h'), '// another line\n');
    assert.notEqual(await hash('added'), second);
  });
});
