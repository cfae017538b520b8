/** Where the figures of a run go beside `metrics.jsonl`: `--report_to`. */
import { withoutSecrets } from './configuration';
import { canonicalJson, type JsonRecord } from './exact-json';
import type { Metrics } from './metrics';
import { TensorBoardWriter } from './tensorboard';

export const REPORTER_NAMES = ['tensorboard', 'none', 'wandb'] as const;
export type ReporterName = (typeof REPORTER_NAMES)[number];

export interface Reporter {
  /** Figures of one optimizer step. */
  log(metrics: Metrics): void;
  /** A picture, as PNG. wandb's JavaScript package takes none: there it is left out. */
  image(tag: string, step: number, png: Uint8Array): void;
  close(): Promise<void>;
}

export interface ReporterOptions {
  /** Folder of the event files. */
  readonly loggingDir: string;
  /** `--tracker_project_name`. */
  readonly project: string;
  /** The options of the run; tokens are not reported. */
  readonly config: JsonRecord;
  /** The step that is gone on from. */
  readonly resumeAt?: number;
  /** Loads a package that need not be installed. @default require */
  readonly load?: (name: string) => unknown;
}

/**
 * Opens what `--report_to` names, before training.
 * @throws Error where it is wandb and its package is not installed
 */
export async function openReporter(
  name: ReporterName,
  options: ReporterOptions,
): Promise<Reporter> {
  if (name === 'tensorboard') return tensorBoardReporter(options);
  if (name === 'wandb') return wandbReporter(options);
  return { log: () => undefined, image: () => undefined, close: async () => undefined };
}

function tensorBoardReporter({ loggingDir, config, resumeAt }: ReporterOptions): Reporter {
  const writer = new TensorBoardWriter(loggingDir, { resumeAt });
  writer.text('config', configTable(config), resumeAt ?? 0);
  return {
    log: ({ step, ...figures }) => writer.scalars(step, figures),
    image: (tag, step, png) => writer.image(tag, step, png),
    close: async () => writer.close(),
  };
}

/** The options as a table in Markdown. */
export function configTable(config: JsonRecord): string {
  const rows = Object.entries(withoutSecrets(config)).filter(([, value]) => value !== undefined);
  const cell = (value: unknown) => canonicalJson(value).replaceAll('|', '\\|');
  const lines = rows.map(([name, value]) => `| ${name} | ${cell(value)} |`);
  return ['| option | value |', '| --- | --- |', ...lines].join('\n');
}

/** What is used of `@wandb/sdk` (https://docs.wandb.ai/ref/js). */
interface Wandb {
  init(options: { readonly project: string; readonly config: JsonRecord }): Promise<unknown>;
  log(figures: Readonly<Record<string, number>>): void;
  finish(): Promise<unknown>;
}

async function wandbReporter({ project, config, load }: ReporterOptions): Promise<Reporter> {
  const wandb = loadWandb(load ?? require);
  await wandb.init({ project, config: withoutSecrets(config) });
  return {
    log: (metrics) => wandb.log(metrics),
    image: () => undefined,
    close: async () => {
      await wandb.finish();
    },
  };
}

function loadWandb(load: (name: string) => unknown): Wandb {
  try {
    return (load('@wandb/sdk') as { readonly default: Wandb }).default;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'MODULE_NOT_FOUND' || !message.includes('@wandb/sdk')) throw error;
    throw new Error(
      '--report_to wandb needs the package @wandb/sdk, which is not installed: ' +
        'npm install @wandb/sdk, or --report_to tensorboard.',
      { cause: error },
    );
  }
}
