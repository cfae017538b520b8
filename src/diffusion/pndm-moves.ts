/**
 * The plan of a PNDM run: where the model is asked, and what becomes of its answers.
 * Liu, Ren, Lin and Zhao 2022, Algorithm 2; the variant without Runge–Kutta steps is the one that
 * Stable Diffusion was released with (CompVis/latent-diffusion, pull request 51).
 */

/** What one evaluation of the model leads to. Evaluations are counted from 0. */
export interface PndmMove {
  /** The model is asked at this timestep … */
  readonly timestep: number;
  /** … and the sample that evaluation number `start` saw … */
  readonly start: number;
  /** … goes from this timestep … */
  readonly from: number;
  /** … to this one (negative: the end) … */
  readonly to: number;
  /** … along this combination of predictions: evaluation number and weight. */
  readonly combine: readonly (readonly [evaluation: number, weight: number])[];
}

/** Adams–Bashforth weights for one to four predictions, the newest first (equation 12). */
const multistepWeights = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** Linear multistep moves down `timesteps`, continuing from the evaluations in `remembered` (oldest first). */
function multistepMoves(
  timesteps: readonly number[],
  stride: number,
  firstEvaluation: number,
  remembered: readonly number[],
): PndmMove[] {
  const known = [...remembered];
  return timesteps.map((timestep, k) => {
    known.push(firstEvaluation + k);
    const newest = known.slice(-4).reverse();
    const weights = multistepWeights[newest.length - 1] ?? [];
    return {
      timestep,
      start: firstEvaluation + k,
      from: timestep,
      to: timestep - stride,
      combine: newest.map((evaluation, i) => [evaluation, weights[i] ?? 0] as const),
    };
  });
}

/** Where the model is asked without Runge–Kutta steps: at the second timestep twice. */
export const plmsTimesteps = ([first = 0, ...rest]: readonly number[]): number[] => [
  first,
  ...rest.slice(0, 1),
  ...rest,
];

/**
 * The moves without Runge–Kutta steps (`skip_prk_steps`) along what `plmsTimesteps` gives: the first stride is taken twice,
 * the second time with the mean of the predictions at both of its ends (Heun), the rest is multistep. Cut off at the front,
 * as for a picture that is drawn over, the list is gone through in the same way, as diffusers does.
 */
export function plmsMoves(visited: readonly number[], stride: number): PndmMove[] {
  const [first = 0, second] = visited;
  const opening = multistepMoves([first], stride, 0, []);
  if (second === undefined) return opening;
  const repeat: PndmMove = {
    timestep: second,
    start: 0,
    from: second + stride,
    to: second,
    combine: [
      [1, 1 / 2],
      [0, 1 / 2],
    ],
  };
  return [...opening, repeat, ...multistepMoves(visited.slice(2), stride, 2, [0])];
}

/**
 * The moves with three pseudo Runge–Kutta steps of four evaluations each (equation 13), then multistep.
 *
 * @throws RangeError for fewer than four timesteps
 */
export function prkMoves(timesteps: readonly number[], stride: number): PndmMove[] {
  if (timesteps.length < 4)
    throw new RangeError(
      `PNDM with Runge–Kutta steps (skip_prk_steps false) needs at least 4 steps, got ${timesteps.length}.`,
    );
  const half = Math.floor(stride / 2);
  const groups = [0, 1, 2].flatMap((g): PndmMove[] => {
    const [from = 0, next = 0] = timesteps.slice(g);
    const e = 4 * g; // the group's first evaluation
    const move = (timestep: number, to: number, combine: PndmMove['combine']): PndmMove => ({
      timestep,
      start: e,
      from,
      to,
      combine,
    });
    return [
      move(from, from - half, [[e, 1]]),
      move(next + half, next + half, [[e + 1, 1]]),
      move(next + half, next, [[e + 2, 1]]),
      move(next, next, [
        [e, 1 / 6],
        [e + 1, 1 / 3],
        [e + 2, 1 / 3],
        [e + 3, 1 / 6],
      ]),
    ];
  });
  return [...groups, ...multistepMoves(timesteps.slice(3), stride, 12, [0, 4, 8])];
}
