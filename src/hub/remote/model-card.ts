/** The README.md of a model that was trained here: what is known of the run, and nothing else. */

import { isJsonObject, type JsonObject } from '../json-file';
import { isRepoName } from './repo-name';
import type { RunFacts } from './run-facts';
import { withoutTokens } from './secrets';

export interface CardOptions {
  /** `owner/name` of the repository the card is for. */
  readonly repo: string;
  readonly facts: RunFacts;
  /** Files that are sent, the card not among them. */
  readonly files: readonly string[];
  /** Pictures of samples among them. */
  readonly samples: readonly string[];
  /** An identifier of the hub, such as `openrail++`. @default none is named: it is that of the base model */
  readonly license?: string | undefined;
}

/** Options worth a row, under their flags' names, in this order. */
const ROWS = [
  ['pretrainedModelNameOrPath', 'base model'],
  ['unetInit', 'denoiser from'],
  ['datasetName', 'data set'],
  ['trainDataDir', 'data folder'],
  ['split', 'split'],
  ['lossType', 'loss'],
  ['betaDpo', 'β'],
  ['maxTrainSteps', 'optimizer steps'],
  ['trainBatchSize', 'pairs a micro-batch'],
  ['gradientAccumulationSteps', 'micro-batches a step'],
  ['learningRate', 'learning rate'],
  ['lrScheduler', 'schedule'],
  ['lrWarmupSteps', 'warm-up steps'],
  ['loraRank', 'LoRA rank'],
  ['loraAlpha', 'LoRA alpha'],
  ['resolution', 'resolution'],
  ['mixedPrecision', 'mixed precision'],
  ['seed', 'seed'],
] as const;

/** The card as Markdown with the hub's YAML in front. */
export function modelCard(options: CardOptions): string {
  const { facts, samples } = options;
  const name = options.repo.split('/').at(-1) ?? options.repo;
  const chapters = [
    header(options),
    `# ${escaped(name)}`,
    intro(options),
    ...(samples.length > 0 ? [sampleGrid(samples)] : []),
    ...(facts.winRates.length > 0 ? [winRateTable(facts)] : []),
    ...(facts.config ? [trainingTable(facts)] : []),
    usage(options),
    `## Licence\n\n${licence(options)}`,
  ];
  return withoutTokens(`${chapters.join('\n\n')}\n`);
}

function header({ facts, license, files }: CardOptions): string {
  const base = text(facts.config?.pretrainedModelNameOrPath);
  const data = text(facts.config?.datasetName);
  const isAdapter = isLora(files);
  const lines = [
    ...(license === undefined ? [] : [`license: ${JSON.stringify(license)}`]),
    'library_name: diffusers',
    'pipeline_tag: text-to-image',
    ...(base && isRepoName(base)
      ? [`base_model: ${base}`, `base_model_relation: ${isAdapter ? 'adapter' : 'finetune'}`]
      : []),
    ...(data && isRepoName(data) ? ['datasets:', `- ${data}`] : []),
    'tags:',
    ...['diffusion-dpo', 'text-to-image', ...(isAdapter ? ['lora'] : [])].map((tag) => `- ${tag}`),
  ];
  return `---\n${lines.join('\n')}\n---`;
}

function intro({ facts }: CardOptions): string {
  const { config } = facts;
  if (!config) return 'A diffusion model. How it was trained is not written down in its folder.';
  const loss = text(config.lossType) ?? 'dpo';
  const how =
    loss === 'sft'
      ? 'fine-tuned on preferred pictures'
      : `trained on preference pairs with the loss \`${loss}\``;
  const paper = loss === 'sft' ? '' : ' (Diffusion-DPO: Wallace et al. 2023, arXiv 2311.12908)';
  return `${code(config.pretrainedModelNameOrPath)}, ${how}${paper}.`;
}

function sampleGrid(samples: readonly string[]): string {
  const pictures = samples.map((path) => `![sample](${path})`).join('\n');
  return `## Samples\n\nDrawn while it trained, from the same seed before and after.\n\n${pictures}`;
}

function winRateTable({ winRates }: RunFacts): string {
  const percent = (share: number) => (100 * share).toFixed(1);
  const rows = winRates.map(
    ({ name, mean, low, high, n }) =>
      `| ${escaped(name)} | ${percent(mean)} % | ${percent(low)}–${percent(high)} % | ${n} |`,
  );
  const head = '| judged by | wins | 95 % interval | prompts |\n| --- | --- | --- | --- |';
  return `## Win rates over the base model\n\n${head}\n${rows.join('\n')}`;
}

function trainingTable({ config = {}, lastMetrics }: RunFacts): string {
  const rows = ROWS.flatMap(([option, label]) => {
    const value = config[option];
    return value === undefined || value === null || value === ''
      ? []
      : [`| ${label} | ${code(value)}${commitOf(config, value)} |`];
  });
  const { step, train_loss: loss, implicit_acc_accumulated: accuracy } = lastMetrics ?? {};
  const figures = [
    ...(typeof loss === 'number' ? [`training loss ${loss.toPrecision(4)}`] : []),
    ...(typeof accuracy === 'number' ? [`implicit accuracy ${(100 * accuracy).toFixed(1)} %`] : []),
  ];
  const last =
    typeof step === 'number' && figures.length > 0
      ? `\n\nAt step ${step}: ${figures.join(', ')}.`
      : '';
  return `## Training\n\n| option | value |\n| --- | --- |\n${rows.join('\n')}${last}`;
}

function usage({ repo, facts, files }: CardOptions): string {
  const base = JSON.stringify(text(facts.config?.pretrainedModelNameOrPath) ?? 'BASE MODEL');
  const lines = files.includes('model_index.json')
    ? [
        'from diffusers import DiffusionPipeline',
        `pipe = DiffusionPipeline.from_pretrained("${repo}")`,
      ]
    : isLora(files)
      ? [
          'from diffusers import DiffusionPipeline',
          `pipe = DiffusionPipeline.from_pretrained(${base})`,
          `pipe.load_lora_weights("${repo}")`,
        ]
      : [
          'from diffusers import DiffusionPipeline, UNet2DConditionModel',
          `unet = UNet2DConditionModel.from_pretrained("${repo}"${files.some((file) => file.startsWith('unet/')) ? ', subfolder="unet"' : ''})`,
          `pipe = DiffusionPipeline.from_pretrained(${base}, unet=unet)`,
        ];
  return `## Use\n\n\`\`\`python\n${lines.join('\n')}\n\`\`\``;
}

function licence({ facts, license }: CardOptions): string {
  if (license !== undefined) return `${escaped(license)}.`;
  const base = facts.config?.pretrainedModelNameOrPath;
  return base === undefined ? 'Not stated.' : `That of the base model, ${code(base)}.`;
}

const isLora = (files: readonly string[]) =>
  files.some((file) => file.endsWith('lora_weights.safetensors')) &&
  !files.includes('model_index.json');

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** Where the value is a name of the hub: the commit of it that the run read, as its `config.json` has it. */
function commitOf({ hubCommits, revision }: JsonObject, name: unknown): string {
  if (!isJsonObject(hubCommits) || typeof name !== 'string') return '';
  const commit = [name, `${name}@${revision}`, `datasets/${name}`]
    .map((key) => hubCommits[key])
    .find((found) => found !== undefined);
  return commit === undefined ? '' : ` at ${code(commit)}`;
}

/** A value in a table or a sentence, whatever stands in it. */
function code(value: unknown): string {
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${plain.replace(/[`|\r\n]/g, ' ')}\``;
}

const escaped = (value: string) =>
  value.replace(/[\\`*_{}[\]<>#|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
