/** `npm run kernel:install`: lets every Jupyter of this user find the kernel, until `--remove`. */
import { ArgumentParser } from 'argparse';
import { display_name } from '../../kernels/typescript/kernel.json';
import { jupyterDataFolder } from './jupyter-folders';
import { installKernel, removeKernel, specFolder } from './kernel-spec';
import { UsageError } from './output-files';

const description = `Writes a kernel specification for the notebooks of this clone into Jupyter's folder of the user, so that
VS Code, Notebook and any JupyterLab offer the kernel. The clone must stay where it is.`;

async function main(): Promise<void> {
  const parser = new ArgumentParser({ prog: 'npm run kernel:install --', description });
  parser.add_argument('--remove', { action: 'store_true', help: 'take the specification away' });
  const { remove } = parser.parse_args() as { readonly remove: boolean };
  const data = jupyterDataFolder(process.env);
  if (remove) {
    const end = await removeKernel(data);
    console.log(`${specFolder(data)} ${end === 'removed' ? 'is removed' : 'does not exist'}.`);
    return;
  }
  const folder = await installKernel(data);
  console.log(`Jupyter now offers "${display_name}", by ${folder}.`);
  console.log('npm run kernel:install -- --remove takes it away.');
}

main().catch((error: unknown) => {
  const isExpected = error instanceof UsageError || (error instanceof Error && 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
