/** `npm run kernel:install`, seen by Jupyter itself, in a data folder of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { drawLogo, LOGO_SIZES, logoFile } from '../../kernels/typescript/logo';
import { jupyterDataFolder } from '../../src/cli/jupyter-folders';
import { installKernel, removeKernel, specFolder } from '../../src/cli/kernel-spec';
import { inTemporaryFolder } from '../support/temporary';

const ROOT = resolve(__dirname, '..', '..');
const python = join(ROOT, '.venv', 'bin', 'python');

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { status, stdout, stderr };
}

/** Jupyter's kernels by name. */
function kernels(data: string): Record<string, { resource_dir: string; spec: { argv: string[] } }> {
  const env = { JUPYTER_DATA_DIR: data, JUPYTER_PATH: '' };
  const args = ['-m', 'jupyter_client.kernelspecapp', 'list', '--json'];
  const { status, stdout, stderr } = run(python, args, env);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout).kernelspecs;
}

const install = (data: string, ...args: readonly string[]) =>
  run(process.execPath, ['--import', 'tsx', 'src/cli/kernel-install.ts', ...args], {
    JUPYTER_DATA_DIR: data,
  });

describe('npm run kernel:install', () => {
  it('lets Jupyter find the kernel of this clone, and takes it away again', () =>
    inTemporaryFolder(async (data) => {
      const { status, stdout, stderr } = install(data);
      assert.equal(status, 0, stderr);
      const folder = join(data, 'kernels', 'typescript');
      assert.equal(
        stdout,
        `Jupyter now offers "TypeScript (Diffusion-DPO)", by ${folder}.\nnpm run kernel:install -- --remove takes it away.\n`,
      );
      const { typescript } = kernels(data);
      assert.equal(typescript?.resource_dir, folder);
      const [node, , launch, connection] = typescript?.spec.argv ?? [];
      assert.deepEqual(
        [node, launch, connection],
        [process.execPath, join(ROOT, 'kernels/typescript/launch.cjs'), '{connection_file}'],
      );
      assert.deepEqual(readdirSync(folder).sort(), [
        ...['kernel.json', 'logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg'],
      ]);
      assert.equal(await installKernel(data), folder, 'installing again replaces it');

      assert.equal(install(data, '--remove').stdout, `${folder} is removed.\n`);
      assert.ok(!existsSync(folder));
      assert.equal(await removeKernel(data), 'absent');
    }));

  it('leaves a kernel of the same name alone that is not its own', () =>
    inTemporaryFolder(async (data) => {
      const file = join(specFolder(data), 'kernel.json');
      mkdirSync(specFolder(data), { recursive: true });
      writeFileSync(file, '{"argv": ["other"]');
      const refused = { name: 'UsageError', message: /not from here; it stays.*JUPYTER_PATH=/ };
      await assert.rejects(installKernel(data), refused);
      await assert.rejects(removeKernel(data), refused);
      assert.equal(readFileSync(file, 'utf8'), '{"argv": ["other"]');
    }));

  it('leaves that of another clone alone, until that clone is gone', () =>
    inTemporaryFolder(async (data) => {
      const other = join(data, 'clone', 'kernels', 'typescript');
      mkdirSync(other, { recursive: true });
      await installKernel(data, { kernel: other });
      await assert.rejects(installKernel(data), /that of .*\/clone; it stays/);
      const gone = join(data, 'gone');
      await removeKernel(data, { kernel: other });
      await installKernel(data, { kernel: gone });
      const folder = await installKernel(data);
      assert.ok(!readFileSync(join(folder, 'kernel.json'), 'utf8').includes(gone));
    }));
});

describe('jupyterDataFolder', () => {
  it('is where Jupyter looks', () => {
    const settings: NodeJS.ProcessEnv[] = [
      {},
      { JUPYTER_DATA_DIR: '/a' },
      { XDG_DATA_HOME: '/b' },
      { XDG_DATA_HOME: '', JUPYTER_DATA_DIR: '' },
      { JUPYTER_PLATFORM_DIRS: '1', XDG_DATA_HOME: '/c' },
      { JUPYTER_PLATFORM_DIRS: 'False', XDG_DATA_HOME: '/d' },
    ];
    const code = `import json, os, sys
from jupyter_core.paths import jupyter_data_dir
names = "JUPYTER_DATA_DIR", "XDG_DATA_HOME", "JUPYTER_PLATFORM_DIRS"
def folder(setting):
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(setting)
    return jupyter_data_dir()
print(json.dumps([folder(setting) for setting in json.loads(sys.argv[1])]))`;
    const { stdout, stderr } = run(python, ['-c', code, JSON.stringify(settings)], {});
    const ours = settings.map((setting) => jupyterDataFolder(setting));
    if (process.platform === 'linux') assert.deepEqual(ours, JSON.parse(stdout), stderr);
  });

  it('follows the rules of macOS', () => {
    const mac = { platform: 'darwin', home: '/Users/x' } as const;
    assert.equal(jupyterDataFolder({ XDG_DATA_HOME: '/b' }, mac), '/Users/x/Library/Jupyter');
    const system = jupyterDataFolder({ JUPYTER_PLATFORM_DIRS: 'yes' }, mac);
    assert.equal(system, '/Users/x/Library/Application Support/Jupyter');
  });
});

describe('the logo', () => {
  it('is drawn from its SVG at both sizes, and transparent at the corners', async () => {
    for (const size of LOGO_SIZES) {
      const [kept, drawn] = await Promise.all(
        [readFileSync(logoFile(size)), await drawLogo(size)].map((png) =>
          sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true }),
        ),
      );
      assert.deepEqual([kept?.info.width, kept?.info.height], [size, size]);
      const apart = kept?.data.map((value, i) => Math.abs(value - (drawn?.data[i] ?? 0)));
      assert.ok(Math.max(...(apart ?? [255])) <= 2, 'node --import tsx kernels/typescript/logo.ts');
      for (const corner of [0, size - 1, size * size - 1])
        assert.equal(kept?.data[4 * corner + 3], 0, `corner ${corner}`);
    }
  });
});
