import type { Fields, SamplerName } from './scheduler-classes';
import { choice, flag, isCount, number, refuse } from './scheduler-fields';

/** What DPM-Solver works on: `++` on x̂_0, else on ε̂; `sde-`: the stochastic equation. */
export type DpmAlgorithm = 'dpmsolver++' | 'dpmsolver' | 'sde-dpmsolver++' | 'sde-dpmsolver';
export type DpmSolverType = 'midpoint' | 'heun';
export type UnipcSolverType = 'bh1' | 'bh2';

/** Fields of DPM-Solver and UniPC. */
export interface SolverFields {
  readonly solverOrder: number;
  readonly algorithmType: DpmAlgorithm;
  readonly dpmSolverType: DpmSolverType;
  readonly unipcSolverType: UnipcSolverType;
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  /** Timesteps whose λ = ln(α/σ) is less are left out. */
  readonly lambdaMinClipped: number;
  /** UniPC works on x̂_0, or on ε̂. */
  readonly predictX0: boolean;
  /** Steps of UniPC that are not corrected. */
  readonly disableCorrector: readonly number[];
}

/** Reads and checks them, also against each other. */
export function solverFields(fields: Fields, sampler: SamplerName): SolverFields {
  const solver = {
    solverOrder: solverOrder(fields, sampler),
    algorithmType: algorithmType(fields, sampler),
    ...solverTypes(fields),
    lowerOrderFinal: flag(fields, 'lower_order_final'),
    eulerAtFinal: flag(fields, 'euler_at_final'),
    lambdaMinClipped: lambdaMinClipped(fields),
    predictX0: flag(fields, 'predict_x0'),
    disableCorrector: disableCorrector(fields),
  };
  if (sampler === 'unipc') checkUnipc(fields, solver);
  if (sampler.startsWith('dpmsolver')) checkDpm(fields, sampler, solver);
  return solver;
}

function solverOrder(fields: Fields, sampler: SamplerName): number {
  if (!('solver_order' in fields)) return 1;
  const most = sampler === 'unipc' ? Number.POSITIVE_INFINITY : 3;
  const allowed = sampler === 'unipc' ? 'an integer ≥ 1' : '1, 2, 3';
  return number(fields, 'solver_order', (x) => isCount(x) && x >= 1 && x <= most, allowed);
}

function algorithmType(fields: Fields, sampler: SamplerName): DpmAlgorithm {
  if (fields.algorithm_type === 'deis') return 'dpmsolver++'; // as diffusers takes a configuration of its DEIS sampler
  const all: DpmAlgorithm[] = ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver'];
  const count = sampler === 'dpmsolver_singlestep' ? 3 : 4;
  return choice(fields, 'algorithm_type', all.slice(0, count));
}

const lambdaMinClipped = (fields: Fields) =>
  'lambda_min_clipped' in fields
    ? number(fields, 'lambda_min_clipped', (x) => !Number.isNaN(x), 'a number, -Infinity')
    : Number.NEGATIVE_INFINITY;

/** The solver type of the class at hand; that of another class counts as this one's default, as in diffusers. */
function solverTypes({ solver_type }: Fields) {
  const dpm = ['midpoint', 'heun'];
  const unipc = ['bh1', 'bh2'];
  const all = [...dpm, ...unipc, 'logrho'];
  if (solver_type !== undefined && !all.includes(String(solver_type)))
    refuse('solver_type', solver_type, all.join(', '));
  return {
    dpmSolverType: solver_type === 'heun' ? 'heun' : 'midpoint',
    unipcSolverType: solver_type === 'bh1' ? 'bh1' : 'bh2',
  } as const;
}

function disableCorrector({ disable_corrector: steps = [] }: Fields): readonly number[] {
  const isStep = (x: unknown): x is number => typeof x === 'number' && isCount(x);
  if (Array.isArray(steps) && steps.every(isStep)) return steps;
  return refuse('disable_corrector', steps, 'a list of step numbers');
}

/** Ends at σ = 0 where diffusers itself gives no numbers. */
function checkUnipc(fields: Fields, solver: SolverFields): void {
  if (fields.final_sigmas_type !== 'zero') return;
  const refused = (field: string, allowed: string) =>
    refuse(field, fields[field], `${allowed} (with final_sigmas_type "zero")`);
  if (solver.unipcSolverType === 'bh1') refused('solver_type', 'bh2');
  if (!solver.predictX0) refused('predict_x0', 'true');
  if (!solver.lowerOrderFinal && solver.solverOrder > 1) refused('lower_order_final', 'true');
}

function checkDpm(fields: Fields, sampler: SamplerName, solver: SolverFields): void {
  const { algorithmType: algorithm } = solver;
  if (!algorithm.endsWith('++') && fields.final_sigmas_type === 'zero')
    refuse('final_sigmas_type', 'zero', `sigma_min (with algorithm_type "${algorithm}")`);
  if (algorithm === 'sde-dpmsolver' && solver.solverOrder === 3)
    refuse('solver_order', 3, `1, 2 (with algorithm_type "${algorithm}")`);
  if (fields.variance_type === 'learned' || fields.variance_type === 'learned_range')
    refuse('variance_type', fields.variance_type, 'null');
  const clips = sampler === 'dpmsolver_singlestep' && algorithm === 'dpmsolver';
  if (clips && fields.thresholding === true)
    refuse('thresholding', true, `false (with algorithm_type "${algorithm}")`);
}
