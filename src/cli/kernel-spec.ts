/** The kernel of this clone among the user's own kernels of Jupyter, for front ends that were not started here. */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import specification from '../../kernels/typescript/kernel.json';
import { writeFolderAtomically, writeTextAtomically } from '../hub/atomic';
import type { Json } from './notebook-file';
import { UsageError } from './output-files';

/** The name that the notebooks ask for. */
export const KERNEL_NAME = 'typescript';

const KERNEL = resolve(__dirname, '..', '..', 'kernels', KERNEL_NAME);
const LOGOS = ['logo-svg.svg', 'logo-64x64.png', 'logo-32x32.png'];

export interface KernelSpecOptions {
  /** The folder whose launch.cjs is started. @default that of this clone */
  readonly kernel?: string;
}

/** The folder of the specification below Jupyter's data folder. */
export const specFolder = (data: string): string => resolve(data, 'kernels', KERNEL_NAME);

/**
 * Writes the specification and its logo; an older one of this clone, or of a clone that is gone, is replaced.
 * @throws UsageError where the name is another kernel's
 */
export async function installKernel(
  data: string,
  { kernel = KERNEL }: KernelSpecOptions = {},
): Promise<string> {
  const folder = specFolder(data);
  refuseForeign(folder, kernel);
  const [, ...args] = specification.argv.map((arg) => arg.replace('{resource_dir}', kernel));
  const spec = {
    ...specification,
    argv: [process.execPath, ...args], // a front end need not know of a Node
    metadata: { ...specification.metadata, diffusion_dpo: { kernel } },
  };
  const fill = async (temporary: string) => {
    for (const logo of LOGOS) await copyFile(join(KERNEL, logo), join(temporary, basename(logo)));
    await writeTextAtomically(join(temporary, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  };
  await writeFolderAtomically(folder, fill, { existing: 'replace' });
  return folder;
}

/**
 * Deletes what `installKernel` wrote. Returns whether there was something.
 * @throws UsageError where the name is another kernel's
 */
export async function removeKernel(
  data: string,
  { kernel = KERNEL }: KernelSpecOptions = {},
): Promise<'removed' | 'absent'> {
  const folder = specFolder(data);
  if (!existsSync(folder)) return 'absent';
  refuseForeign(folder, kernel);
  await rm(folder, { recursive: true });
  return 'removed';
}

function refuseForeign(folder: string, kernel: string): void {
  if (!existsSync(folder)) return;
  const owner = ownerOf(folder);
  if (owner === kernel || (owner !== undefined && !existsSync(owner))) return;
  const whose = owner === undefined ? 'not from here' : `that of ${resolve(owner, '..', '..')}`;
  throw new UsageError(
    `${folder} is a kernel of the same name, ${whose}; it stays. Move it away, or start Jupyter with JUPYTER_PATH=${resolve(KERNEL, '..', '..')}.`,
  );
}

/** The kernel that a specification of ours starts; undefined where it is none of ours. */
function ownerOf(folder: string): string | undefined {
  const file = join(folder, 'kernel.json');
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  if (!text.includes('diffusion_dpo')) return undefined; // it may be no JSON at all
  const { metadata } = JSON.parse(text) as { readonly metadata?: Json };
  const own = metadata?.diffusion_dpo as Json | undefined;
  return typeof own?.kernel === 'string' ? own.kernel : undefined;
}
