/** The plan of a run in lines for the terminal. */
import { describeCounts } from '../data/pairs';
import { formatDuration } from '../show/text';
import { NUM_PROCESSES } from '../training/effective';
import { switchesOf } from '../training/parity';
import type { PlannedDownload, Unknown } from '../training/plan-downloads';
import type { StepSeconds } from '../training/plan-memory';
import type { ModelPlan, RunPlan } from '../training/run-plan';

type Line = readonly [label: string, value: string];

/** All digits that matter, small numbers as powers of ten: 2.048e-5, 0.2. */
function shown(x: number): string {
  const rounded = Number(x.toPrecision(12));
  return rounded !== 0 && Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

const whole = (n: number) => n.toLocaleString('en-US');
const size = (bytes: number) =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
const several = (n: number, what: string) => `${whole(n)} ${what}${n === 1 ? '' : 's'}`;
const isUnknown = (part: object): part is Unknown => 'unknown' in part;

const line = ([label, value]: Line) => `${label.padEnd(22)}  ${value}`;

/** One line for each thing that is decided. */
export const planLines = (plan: RunPlan): string[] =>
  [modelLines, hubLines, dataLines, stepLines, runLines, memoryLines].flatMap((part) =>
    part(plan).map(line),
  );

/** Estimated from a few runs of each kind of a step's operations. */
export function timeLine({ options }: RunPlan, { micro, update }: StepSeconds): string {
  const step = micro * options.gradientAccumulationSteps + update;
  const all = formatDuration(step * options.maxTrainSteps);
  const each = `${step < 60 ? `${step.toPrecision(2)} s` : formatDuration(step)} a step`;
  const from = 'estimated from a few runs of each kind of operation, without reading pictures';
  return line(['time', `${all} on this machine as it is now, ${each}; ${from}`]);
}

function modelLines({ options, model }: RunPlan): Line[] {
  const { pretrainedModelNameOrPath: name, unetInit, loraRank, loraAlpha } = options;
  const vae = options.pretrainedVaeModelNameOrPath;
  const parts: Line[] = [['model', name]];
  if (unetInit !== '') parts.push(['UNet from', `${unetInit}, policy and reference`]);
  if (vae !== undefined) parts.push(['autoencoder from', vae]);
  const adapter = `an adapter of rank ${loraRank} and alpha ${loraAlpha}`;
  const trained = loraRank === undefined ? 'the whole UNet' : adapter;
  parts.push(['parameters', isUnknown(model) ? model.unknown : parameterCounts(model)]);
  return [
    ...parts,
    ['trained', isUnknown(model) ? trained : `${trained}: ${whole(model.parameters.trained)}`],
  ];
}

const hubLines = ({ downloads }: RunPlan): Line[] =>
  downloads.map((download) => ['from the hub', downloadText(download)]);

function downloadText({ name, fetch, plan }: PlannedDownload): string {
  if (isUnknown(plan)) return plan.unknown;
  const bytes = plan.files.reduce((sum, file) => sum + file.size, 0);
  const missing =
    plan.missingBytes === 0 ? 'all in the cache' : `${size(plan.missingBytes)} to download`;
  const read = fetch === 'parts' ? '; of it those columns that are read' : '';
  const files = `${several(plan.files.length, 'file')}, ${size(bytes)}`;
  return `${name} at ${plan.source.commit.slice(0, 8)}: ${files}, ${missing}${read}`;
}

const parameterCounts = ({ parameters: { unet, vae, textEncoder } }: ModelPlan) =>
  `UNet ${whole(unet)}, autoencoder ${whole(vae)}, text encoder ${whole(textEncoder)}`;

function dataLines({ options, data }: RunPlan): Line[] {
  const { datasetName, trainDataDir, resolution, proportionEmptyPrompts: empty } = options;
  const source = [datasetName, trainDataDir].filter((part) => part !== undefined).join(', ');
  const cut = options.randomCrop ? 'cut at random' : 'cut from the middle';
  const mirrored = options.noHflip ? 'none mirrored' : 'every second one mirrored';
  const chosen = options.choiceModel === '' ? [] : [`winners by ${options.choiceModel}`];
  const ours = options.pairedAugmentation ? ['both of a pair alike'] : [];
  const pictures = [`${resolution} × ${resolution}`, cut, mirrored, ...ours, ...chosen].join(', ');
  return [
    ['data', `${source}, ${options.split}`],
    [options.sft ? 'rows' : 'pairs', isUnknown(data) ? data.unknown : describeCounts(data.counts)],
    ['pictures', pictures],
    ...sizeLine(options),
    ['prompts', `${shown(100 * empty)} % emptied`],
  ];
}

/** What SDXL is told of the pictures' sizes. */
function sizeLine(options: RunPlan['options']): Line[] {
  if (!options.sdxl) return [];
  const { resolution } = options;
  const told = {
    resolution: `${resolution} × ${resolution} and not cut, whatever they are`,
    'real sizes': 'their real sizes, and where they are cut',
  };
  return [['told to SDXL', told[switchesOf(options).sdxlTimeIds]]];
}

function stepLines({ options, effective, data }: RunPlan): Line[] {
  const { trainBatchSize, gradientAccumulationSteps, lossType, betaDpo, parity } = options;
  const { totalBatchSize, learningRate, timesteps } = effective;
  const loss =
    lossType === 'sft' || lossType === 'mapo' ? lossType : `${lossType}, β ${shown(betaDpo)}`;
  const times = timesteps === 'all' ? '' : `, times of ${timesteps}`;
  const batch = `${whole(totalBatchSize)} ${options.sft ? 'pictures' : 'pairs'}`;
  const made = `${trainBatchSize} in a micro-batch × ${gradientAccumulationSteps} accumulated × ${NUM_PROCESSES} process`;
  const scaled = options.scaleLr
    ? ` = ${shown(options.learningRate)} × ${totalBatchSize} (--scale_lr)`
    : '';
  return [
    ['loss', `${loss}${times}, parity ${parity}`],
    ...switchLine(options),
    ['effective batch', `${batch} = ${made}`],
    ['learning rate', `${shown(learningRate)}${scaled}`],
    ['schedule', schedule(options)],
    ['optimizer', optimizer({ options, effective })],
    ['steps', steps(options.maxTrainSteps, data)],
  ];
}

/** The switches of the ledger that were set one by one. */
function switchLine({ paritySwitch = {} }: RunPlan['options']): Line[] {
  const set = Object.entries(paritySwitch).map(([name, value]) => `${name}: ${value}`);
  return set.length === 0 ? [] : [['parity switches', set.join('; ')]];
}

function schedule(options: RunPlan['options']): string {
  const { lrScheduler, lrWarmupSteps, lrStepRules, maxTrainSteps } = options;
  if (lrScheduler === 'constant') return lrScheduler;
  if (lrScheduler === 'piecewise_constant') return `${lrScheduler} ${lrStepRules}`;
  const share = shown(Number(((100 * lrWarmupSteps) / maxTrainSteps).toPrecision(3)));
  const how = {
    cosine_with_restarts: ` (${several(options.lrNumCycles, 'cycle')})`,
    polynomial: ` of power ${options.lrPower}`,
  }[lrScheduler as string];
  return `${lrScheduler}${how ?? ''}, warm-up over ${several(lrWarmupSteps, 'step')} (${share} % of the run)`;
}

function optimizer({ options, effective }: Pick<RunPlan, 'options' | 'effective'>): string {
  const { maxGradNorm } = effective;
  const decay = `weight decay ${shown(options.adamWeightDecay)}`;
  const { adamBeta1, adamBeta2, adamEpsilon } = options;
  const own =
    effective.optimizer === 'AdamW'
      ? [`β₁ ${adamBeta1}`, `β₂ ${adamBeta2}`, `ε ${shown(adamEpsilon)}`]
      : [];
  const clip =
    maxGradNorm === undefined ? 'no clipping by norm' : `clipped to norm ${shown(maxGradNorm)}`;
  const ema = options.useEma ? [`running mean with decay ${options.emaDecay}`] : [];
  return [effective.optimizer, ...own, decay, clip, ...ema].join(', ');
}

function steps(maxTrainSteps: number, data: RunPlan['data']): string {
  if (isUnknown(data)) return `${whole(maxTrainSteps)}; steps in an epoch ${data.unknown}`;
  const { stepsPerEpoch, batchesPerEpoch, numTrainEpochs } = data;
  const epoch = `${several(stepsPerEpoch, 'step')} from ${whole(batchesPerEpoch)} micro-batches`;
  return `${whole(maxTrainSteps)}, in ${several(numTrainEpochs, 'epoch')} of ${epoch}`;
}

function runLines({ options, effective, model }: RunPlan): Line[] {
  const { checkpointingSteps, maxTrainSteps, outputDir, seed, saveEveryMinutes } = options;
  const count = Math.floor(maxTrainSteps / checkpointingSteps);
  const limit = options.checkpointsTotalLimit;
  const kept = limit === undefined ? '' : `, the last ${limit} kept`;
  const each = isUnknown(model) ? '' : `, ${size(model.checkpoint)} each`;
  const clock = saveEveryMinutes === undefined ? '' : ` and ${saveEveryMinutes} minutes`;
  const resume = options.resumeFromCheckpoint;
  return [
    [
      'checkpoints',
      `every ${several(checkpointingSteps, 'step')}${clock}: ${count} by steps${kept}${each}`,
    ],
    ['output', outputDir],
    ['resume', resume === '' ? 'no: starts anew' : resume],
    ['seed', seed === undefined ? 'drawn at the start and reported' : String(seed)],
    ['mixed precision', effective.mixedPrecision],
    ['gradient checkpointing', effective.gradientCheckpointing ? 'on' : 'off'],
  ];
}

function memoryLines({ model }: RunPlan): Line[] {
  if (isUnknown(model)) return [['memory and time', model.unknown]];
  const { peak, weights, training, activations } = model;
  const parts = `weights ${size(weights)}, training ${size(training)}, activations ${size(activations)}`;
  return [['memory', `${size(peak)} at the peak: ${parts}`]];
}
