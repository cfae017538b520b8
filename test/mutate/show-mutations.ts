/** Mutations of what a person reads off a page: numbers, curves, axes. */
import type { Mutation } from './mutations';

const stats = { file: 'src/show/tensor-stats.ts', tests: ['test/show/tensor-look.test.ts'] };
const figures = ['test/show/plot.test.ts', 'test/show/figures.test.ts'];

export const showMutations: readonly Mutation[] = [
  {
    ...stats,
    what: 'show: deviation of a sample, not of all numbers',
    from: 'std: Math.sqrt(squares / count)',
    to: 'std: Math.sqrt(squares / (count - 1))',
  },
  {
    ...stats,
    what: 'show: means of the pieces of a large tensor left apart',
    from: 'part.squares + part.count * (part.mean - mean) ** 2',
    to: 'part.squares',
  },
  {
    ...stats,
    what: 'show: what is no number counted at the minimum',
    from: '(counts[0] ?? 0) - (piece[1] - count(isNumber))',
    to: '(counts[0] ?? 0)',
  },
  {
    what: 'show: peaks lost where a curve is thinned',
    file: 'src/show/thinned.ts',
    from: 'return [lowest, highest, broken]',
    to: 'return [lowest, broken]',
    tests: figures,
  },
  {
    what: 'show: a logarithmic axis drawn by the values',
    file: 'src/show/figure-scale.ts',
    from: '(isLog ? Math.log10(value) : value)',
    to: 'value',
    tests: figures,
  },
  {
    what: 'show: a reversed axis drawn forwards',
    file: 'src/show/figure-scale.ts',
    from: "autorange === 'reversed' ? [to, from] : [from, to]",
    to: "autorange === 'reversed' ? [from, to] : [from, to]",
    tests: figures,
  },
];
