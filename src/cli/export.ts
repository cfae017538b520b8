/** `npm run export`: one self-contained page from the outputs that a notebook holds; nothing is run. */
import { mkdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ArgumentParser } from 'argparse';
import { formatBytes } from '../show/text';
import { fileName } from './args';
import { givenNotebook, refuseExisting } from './given-notebook';
import type { Notebook } from './notebook-file';
import { UsageError } from './output-files';
import { writeReport } from './report';

interface ExportArgs {
  readonly notebook: string;
  readonly output?: string;
  readonly force: boolean;
}

const description = `Writes a notebook as one HTML file with its prose, code, pictures and interactive figures. The
file asks for nothing from the network. Outputs are taken as the notebook holds them; no cell is run.`;

function exportArgs(argv: readonly string[]): ExportArgs {
  const parser = new ArgumentParser({ prog: 'npm run export --', description });
  parser.add_argument('notebook', { metavar: 'NOTEBOOK.ipynb' });
  parser.add_argument('output', {
    type: fileName('.html'),
    nargs: '?',
    metavar: 'OUT.html',
    help: "default: the notebook's name and folder, with .html at the end",
  });
  parser.add_argument('--force', { action: 'store_true', help: 'replace a page that exists' });
  return parser.parse_args([...argv]) as ExportArgs;
}

function main(): void {
  const args = exportArgs(process.argv.slice(2));
  const { path, notebook } = givenNotebook(args.notebook);
  const beside = join(dirname(path), `${basename(path, '.ipynb')}.html`);
  const output = resolve(args.output ?? beside);
  refuseExisting(output, args.force ? 'replace' : 'refuse');
  const { code, shown } = counts(notebook);
  if (shown === 0)
    process.stderr.write(
      `${args.notebook} holds no outputs; npm run notebook -- ${args.notebook} makes a copy that does.\n`,
    );
  mkdirSync(dirname(output), { recursive: true });
  const facts = [relative(process.cwd(), path), `${shown} of ${code} code cells show something`];
  writeReport(output, notebook, { facts });
  process.stdout.write(`${output} (${formatBytes(statSync(output).size)})\n`);
}

function counts({ cells }: Notebook) {
  const outputs = cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs] : []));
  return { code: outputs.length, shown: outputs.filter(({ length }) => length > 0).length };
}

try {
  main();
} catch (error) {
  if (!(error instanceof UsageError || (error instanceof Error && 'code' in error))) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
