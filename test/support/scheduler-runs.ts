/** Runs of diffusers' schedulers over a small fake model (make_samplers.py), and the same runs of ours. */
import {
  makeSampler,
  randnLatents,
  type SamplerRun,
  type SchedulerClass,
} from '../../src/diffusion';
import { type Tensor, tensor, tidy } from '../../src/engine';
import { TorchGenerator } from '../../src/random';
import { assertClose } from './assert';
import { fixtureTensor, jsonFixture, tensorFixture } from './fixtures';

/** A run of diffusers' scheduler, as make_samplers.py writes it down. */
export interface RunCase {
  readonly class: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly eta?: number;
  /** The step that it begins with, from a picture with noise. */
  readonly start?: number;
  /** How many generators draw the noise, one for each picture; none: one for all. */
  readonly generators?: number;
  /** Which timesteps and noise levels it has. */
  readonly grid: number;
}

const { base, seed, shape, grids, cases } = jsonFixture<{
  base: Readonly<Record<string, unknown>>;
  seed: number;
  shape: readonly [number, number, number, number];
  /** How many timesteps each grid has. */
  grids: readonly number[];
  cases: readonly RunCase[];
}>('diffusion', 'samplers.json');
const tensors = tensorFixture('diffusion', 'samplers.safetensors');
const stored = (name: string) => Float32Array.from(fixtureTensor(tensors, name).data);
const [middle, final, init] = [stored('middle'), stored('final'), stored('init')];
const timesteps = stored('timesteps');

const [B, C, h, w] = shape;
const size = B * C * h * w;

/** NCHW → NHWC */
const channelsLast = (data: ArrayLike<number>) =>
  Float32Array.from({ length: size }, (_, i) => {
    const [c, position, b] = [i % C, Math.floor(i / C) % (h * w), Math.floor(i / (C * h * w))];
    return data[(b * C + c) * h * w + position] ?? Number.NaN;
  });
const latents = (data: ArrayLike<number>) => tensor(channelsLast(data), [B, h, w, C]);
const noise = stored('noise');
const picture = Float32Array.from({ length: size }, (_, i) => -1.5 + (3 * i) / (size - 1));

/** What both sides take for the UNet. */
const model = (x: Tensor, t: number) =>
  x
    .mul(0.7)
    .add(Math.sin(t / 150))
    .tanh()
    .mul(0.8);

function start({ class: name, fields, steps, eta, start: first = 0, generators }: RunCase) {
  const _class_name = `${name}Scheduler` as SchedulerClass;
  const sampler = makeSampler({ _class_name, ...base, ...fields });
  const each = Array.from({ length: generators ?? 1 }, (_, i) => new TorchGenerator(seed + i));
  const drawNoise = () => randnLatents(each, [B, h, w, C]);
  return sampler.start(steps, { eta, begin: first * sampler.order, drawNoise });
}

/** The latents that a run begins with and those after each step. */
function path(run: SamplerRun, isBegun: boolean): Float32Array[] {
  let x = tidy(() =>
    isBegun
      ? run.addNoise(latents(picture), latents(noise))
      : latents(noise).mul(run.initNoiseSigma),
  );
  const passed = [x.floats()];
  for (const [i, t] of run.timesteps.entries()) {
    const { prevSample, predOriginal } = tidy(() =>
      run.step(i, model(x.div(run.inputScale(i)), t), x),
    );
    predOriginal.dispose();
    x.dispose();
    x = prevSample;
    passed.push(x.floats());
  }
  x.dispose();
  run.dispose();
  return passed;
}

/** Where each grid's timesteps begin in the fixture. */
const firsts = grids.map((_, i) => grids.slice(0, i).reduce((sum, count) => sum + count, 0));

function check(testCase: RunCase, number: number): void {
  const run = start(testCase);
  const count = grids[testCase.grid] ?? 0;
  const [first = 0, skipped] = [firsts[testCase.grid], count - run.timesteps.length];
  const expectedTimes = timesteps.slice(first + skipped, first + count);
  assertClose(run.timesteps, expectedTimes, { rtol: 0, atol: 2e-3, label: 'timesteps' });
  assertClose(run.initNoiseSigma, init[number] ?? 0, { rtol: 1e-5, label: 'initNoiseSigma' });

  const isBegun = testCase.start !== undefined;
  const passed = path(run, isBegun);
  const at = isBegun ? 0 : Math.floor(passed.length / 2);
  const row = (data: Float32Array) =>
    channelsLast(data.subarray(number * size, (number + 1) * size));
  assertClose(passed[at] ?? [], row(middle), { rtol: 1e-4, label: `latents after step ${at}` });
  assertClose(passed[passed.length - 1] ?? [], row(final), { rtol: 1e-4, label: 'final latents' });
}

/**
 * Holds the runs of a class against diffusers: times, noise to begin with, latents on the way and at the end.
 *
 * @param every which of its configurations: all (1), every second (2), …
 * @returns how many were held, and what differs
 */
export function heldRuns(_class_name: SchedulerClass, every: number) {
  const own = [...cases.entries()].filter(([, c]) => `${c.class}Scheduler` === _class_name);
  const held = own.filter((_, i) => i % every === 0);
  const failures: string[] = [];
  for (const [number, testCase] of held)
    try {
      check(testCase, number);
    } catch (error) {
      const { class: _, grid: __, ...how } = testCase;
      failures.push(`${JSON.stringify(how)}: ${(error as Error).message}`);
    }
  return { count: held.length, failures };
}
