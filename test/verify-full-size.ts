/**
 * `npm run verify:full-size`: one preference pair through a UNet of Stable Diffusion 1.5's shapes, loss and gradient
 * of every weight against PyTorch and diffusers. Needs 17 GB of memory and 9 GB of disk; minutes.
 * Ends with status 1 if a tolerance is not met.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ArgumentParser } from 'argparse';
import { engineInfo } from '../src/engine';
import { type FullSizeStep, fullSizeStep } from './full-size/step';

/** Relative L2 errors allowed of float32: of the whole gradient, of each tensor's, and of the loss. */
const ALLOWED = { overall: 1e-4, tensor: 1e-3, loss: 1e-4 };

const root = resolve(__dirname, '..');

interface Args {
  readonly folder: string;
  readonly shapes: string;
  readonly latents: number;
}

function parse(): Args {
  const description =
    "Compares one preference pair through a UNet of SD 1.5's shapes with PyTorch: loss, every gradient, times, memory.";
  const parser = new ArgumentParser({ prog: 'npm run verify:full-size --', description });
  parser.add_argument('--folder', {
    default: join(root, 'runs', 'full-size'),
    help: "weights and PyTorch's results, made where they are missing (9 GB); default: runs/full-size",
  });
  parser.add_argument('--shapes', {
    choices: ['sd15', 'tiny'],
    default: 'sd15',
    help: 'tiny: the same blocks in small, to test this program; default: sd15',
  });
  parser.add_argument('--latents', {
    type: 'int',
    default: 64,
    metavar: 'N',
    help: 'rows and columns of the latents; default: 64',
  });
  return parser.parse_args() as Args;
}

/** Runs the Python side, unless the folder has its results. */
function make({ folder, shapes, latents }: Args): void {
  if (existsSync(join(folder, 'step.json'))) {
    console.log(`PyTorch's results are those in ${folder}; delete it to have them made again.`);
    return;
  }
  const python = process.env.DPO_TORCH_PYTHON;
  if (!python)
    throw new Error(
      'DPO_TORCH_PYTHON must name a Python with the libraries of test/fixtures/requirements.txt.',
    );
  const script = join(root, 'test', 'fixtures', 'make_full_size.py');
  const settings = ['--shapes', shapes, '--latents', String(latents)];
  const { status, error } = spawnSync(python, [script, folder, ...settings], { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${script} ended with status ${status}.`);
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
const seconds = (s: number) => `${s.toFixed(1)} s`;

function report(step: FullSizeStep): string {
  const { torch, overall, worst } = step;
  const list = (xs: readonly number[]) => xs.map((x) => x.toFixed(6)).join(' ');
  const rows = [
    ['', 'here', 'PyTorch'],
    ['loss', step.loss.toFixed(7), torch.loss.toFixed(7)],
    ['errors of the policy', list(step.modelErrors), list(torch.model_errors)],
    ['errors of the reference', list(step.referenceErrors), list(torch.reference_errors)],
    ['reference', seconds(step.seconds.reference), seconds(torch.reference_seconds)],
    ['policy, there and back', seconds(step.seconds.policy), seconds(torch.seconds)],
    ['AdamW', seconds(step.seconds.adamw), '-'],
    ['peak memory', gigabytes(step.peak), `${gigabytes(torch.peak_bytes)}, no AdamW`],
  ];
  const { kernels, isa } = engineInfo();
  return [
    `${step.weights} weights, one pair of [${step.rows}], blocks computed again; ${kernels} kernels, ${isa}`,
    ...rows.map(([a = '', b = '', c = '']) => `${a.padEnd(24)}${b.padEnd(20)}${c}`),
    `loading the policy      ${seconds(step.seconds.load)}, memory grew by ${gigabytes(step.loadGrowth)} for ${gigabytes(4 * step.weights)}`,
    `gradient, relative L2   ${overall.toExponential(1)} overall (allowed ${ALLOWED.overall}),`,
    `                        ${worst.error.toExponential(1)} at worst (allowed ${ALLOWED.tensor}): ${worst.name}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const args = parse();
  make(args);
  const step = await fullSizeStep(args.folder);
  console.log(report(step));
  const lossError = Math.abs(step.loss / step.torch.loss - 1);
  const met =
    step.overall <= ALLOWED.overall &&
    step.worst.error <= ALLOWED.tensor &&
    lossError <= ALLOWED.loss;
  console.log(met ? '✔ as PyTorch' : '✘ not as PyTorch');
  if (!met) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
