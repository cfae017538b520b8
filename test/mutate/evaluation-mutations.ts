import type { Mutation } from './mutations';

const statistics = ['test/scoring/evaluation/statistics.test.ts'];
const comparison = ['test/scoring/evaluation/compare-scores.test.ts'];
const looks = ['test/scoring/evaluation/picture-look.test.ts'];
const pairs = ['test/scoring/evaluation/pair-report.test.ts'];

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
  {
    what: 'looks: weight of the mean in colourfulness',
    file: 'src/scoring/evaluation/picture-look.ts',
    from: '0.3 * Math.hypot(rg.mean, yb.mean)',
    to: '0.5 * Math.hypot(rg.mean, yb.mean)',
    tests: looks,
  },
  {
    what: 'looks: the Laplacian’s middle counted as three',
    file: 'src/scoring/evaluation/picture-look.ts',
    from: '4 * at(r, c)',
    to: '3 * at(r, c)',
    tests: looks,
  },
  {
    what: 'looks: hashes of pixels above one another',
    file: 'src/scoring/evaluation/picture-look.ts',
    from: '(y[9 * row + column + 1] ?? 0)',
    to: '(y[9 * row + column + 9] ?? 0)',
    tests: looks,
  },
  {
    what: 'pair report: margins claim what they are without β',
    file: 'src/scoring/evaluation/pair-report.ts',
    from: 'scale: betaDpo }',
    to: 'scale: 1 }',
    tests: pairs,
  },
  {
    what: 'best of n: draws counted from zero',
    file: 'src/scoring/evaluation/reproduce/best-of-n.ts',
    from: 'draws.length : first + 1',
    to: 'draws.length : first',
    tests: ['test/scoring/evaluation/reproduce.test.ts'],
  },
];
