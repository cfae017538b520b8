import { readFileSync } from 'node:fs';
import { fixturePath, jsonFixture, tensorFixture } from './fixtures';

/** How a batch was fetched. Of every picture, all `jpg_0` first: whether it was mirrored, where it was cut. */
export interface LoggedFetch {
  readonly ranking_id: readonly number[];
  /** Empty where nothing is mirrored by chance. */
  readonly flips: readonly boolean[];
  /** Top, left, height, width; empty where pictures are cut in the middle. */
  readonly crops: readonly (readonly number[])[];
}

/** A micro-batch. Errors are of every picture, winners first; `--sft` has none. */
export interface LoggedMicro {
  readonly loss: number;
  readonly timesteps: readonly number[];
  readonly noise_sha256: string;
  readonly pixel_values_sha256: string;
  /** To the first end of text. */
  readonly input_ids: readonly (readonly number[])[];
  readonly inside_term?: readonly number[];
  readonly model_losses?: readonly number[];
  readonly ref_losses?: readonly number[];
}

/** An optimizer step, in the original's figures. */
export interface LoggedStep {
  /** As logged: the next step's. */
  readonly lr: number;
  readonly lr_used: number;
  readonly micro_in_this_step: number;
  readonly train_loss: number;
  /** Absent with Adafactor. */
  readonly grad_norm_preclip?: number;
  /** Absent with `--sft`, as all that follow. */
  readonly model_mse_unaccumulated?: number;
  readonly ref_mse_unaccumulated?: number;
  readonly implicit_acc_accumulated?: number;
  readonly unet_l2_from_start: number;
}

/** What the original logged of a run. */
export interface OracleLog {
  readonly fetches: readonly LoggedFetch[];
  readonly micros: readonly LoggedMicro[];
  readonly steps: readonly LoggedStep[];
}

/** The log of one run of test/fixtures/oracle/README.md. */
export function oracleLog(run: string): OracleLog {
  const text = readFileSync(fixturePath('oracle', 'logs', `${run}.jsonl`), 'utf8');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly kind: string });
  const ofKind = <T>(kind: string) => lines.filter((line) => line.kind === kind) as unknown as T[];
  return { fetches: ofKind('fetch'), micros: ofKind('micro'), steps: ofKind('step') };
}

/** Every so many numbers of each weight are kept, in PyTorch's layout. */
export const { every: SAMPLED_EVERY } = jsonFixture<{ every: number }>(
  'oracle',
  'weights',
  'moved.json',
);

/** Tensors of `weights/NAME.safetensors`. */
export const oracleTensors = (name: string) =>
  tensorFixture('oracle', 'weights', `${name}.safetensors`);
