import type { Mutation } from './mutations';

const statistics = ['test/scoring/evaluation/statistics.test.ts'];
const comparison = ['test/scoring/evaluation/compare-scores.test.ts'];

export const evaluationMutations: readonly Mutation[] = [
  {
    what: 'bootstrap: ties left out of the bias correction',
    file: 'src/scoring/evaluation/bca.ts',
    from: 'x === value ? 0.5 : 0',
    to: 'x === value ? 0 : 0',
    tests: statistics,
  },
  {
    what: 'bootstrap: sign of the acceleration',
    file: 'src/scoring/evaluation/bca.ts',
    from: 'cubes += (mean - x) ** 3',
    to: 'cubes += (x - mean) ** 3',
    tests: statistics,
  },
  {
    what: 'bootstrap: acceleration left out of the interval',
    file: 'src/scoring/evaluation/bca.ts',
    from: '(1 - a * (z0 + z))',
    to: '(1 - 0 * (z0 + z))',
    tests: statistics,
  },
  {
    what: 'bootstrap: bias corrected once instead of twice',
    file: 'src/scoring/evaluation/bca.ts',
    from: 'normalCdf(z0 + (z0 + z)',
    to: 'normalCdf((z0 + z)',
    tests: statistics,
  },
  {
    what: 'sign test: one-sided',
    file: 'src/scoring/evaluation/sign-test.ts',
    from: 'Math.min(1, 2 * tail)',
    to: 'Math.min(1, tail)',
    tests: statistics,
  },
  {
    what: 'variance: between prompts not multiplied by the number of seeds',
    file: 'src/scoring/evaluation/variance.ts',
    from: '(S * sumOf(means',
    to: '(sumOf(means',
    tests: statistics,
  },
  {
    what: 'calibration: bins of the wrong width',
    file: 'src/scoring/evaluation/calibration.ts',
    from: 'const width = 0.5 / count',
    to: 'const width = 1 / count',
    tests: statistics,
  },
  {
    what: 'calibration: slope of the scale with the sign turned',
    file: 'src/scoring/evaluation/calibration.ts',
    from: 'const p = sigmoid(-scale * d)',
    to: 'const p = sigmoid(scale * d)',
    tests: statistics,
  },
  {
    what: 'win rate: scores exactly epsilon apart are no tie',
    file: 'src/scoring/evaluation/compare-scores.ts',
    from: 'Math.abs(difference) <= tieEpsilon',
    to: 'Math.abs(difference) < tieEpsilon',
    tests: comparison,
  },
];
