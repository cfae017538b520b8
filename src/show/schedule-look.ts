/** A noise schedule: how much of the picture, and how much noise, there is at each timestep. */
import type { NoiseSchedule } from '../diffusion';
import { linePlot } from './line-plot';
import { addLook } from './looks';
import { DISPLAY, type MimeBundle } from './notebook';
import { formatNumber } from './text';

/** Points of a curve; a thousand timesteps are a smooth one. */
const POINTS = 100;

async function scheduleBundle({
  numTrainTimesteps: T,
  alphasCumprod,
  predictionType,
}: NoiseSchedule): Promise<MimeBundle> {
  const steps = Math.min(T, POINTS);
  const x = Array.from({ length: steps }, (_, i) =>
    Math.round((i * (T - 1)) / Math.max(1, steps - 1)),
  );
  const alpha = (t: number) => alphasCumprod[t] ?? Number.NaN;
  const half = alphasCumprod.findIndex((value) => value < 0.5);
  const last = Math.sqrt(alpha(T - 1));
  const left = last === 0 ? 'nothing' : `${formatNumber(100 * last, 3)} %`;
  const title = `Half of the variance is noise at t = ${half}; ${left} of the picture is left at the last timestep`;
  const plot = linePlot(
    [
      { name: '√ᾱ, the picture', x, y: x.map((t) => Math.sqrt(alpha(t))) },
      { name: '√(1 − ᾱ), the noise', x, y: x.map((t) => Math.sqrt(1 - alpha(t))) },
    ],
    { title, xLabel: 'timestep t', yLabel: 'factor' },
  );
  const at = [0, Math.floor(T / 4), Math.floor(T / 2), Math.floor((3 * T) / 4), T - 1];
  const numbers = at.map((t) => `ᾱ_${t} = ${formatNumber(alpha(t))}`).join(', ');
  const signal = (t: number) => 10 * Math.log10(alpha(t) / (1 - alpha(t)));
  const text = [
    `${T} timesteps, the model predicts ${predictionType}. ${title}.`,
    numbers,
    `signal to noise from ${formatNumber(signal(0), 3)} to ${formatNumber(signal(T - 1), 3)} dB`,
  ];
  return { ...(await plot[DISPLAY]()), 'text/plain': text.join('\n') };
}

addLook(
  'noise schedule',
  {
    is: (value) =>
      'alphasCumprod' in value &&
      value.alphasCumprod instanceof Float64Array &&
      'predictionType' in value,
  },
  scheduleBundle,
);
