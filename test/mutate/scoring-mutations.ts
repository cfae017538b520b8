/** Mutations of the scorers of pictures, and of what they choose. */
import type { Mutation } from './mutations';

const resize = { file: 'src/data/tensor-resize.ts', tests: ['test/scoring/longest-side.test.ts'] };
const longest = { file: 'src/scoring/longest-side.ts', tests: resize.tests };
const scorers = ['test/scoring/scorers.test.ts'];
const choice = ['test/data/choice.test.ts'];

export const scoringMutations: readonly Mutation[] = [
  {
    ...resize,
    what: 'resize of tensors: the antialiased filter of the other Keys',
    from: 'far(x, -0.5, fused)',
    to: 'far(x, -0.75, fused)',
  },
  {
    ...resize,
    what: 'resize of tensors: the four neighbours one too far left',
    from: 'Int32Array.of(inside(first - 1), inside(first), inside(first + 1), inside(first + 2))',
    to: 'Int32Array.of(inside(first - 2), inside(first - 1), inside(first), inside(first + 1))',
  },
  {
    ...longest,
    what: 'HPS: the longest side cut instead of rounded',
    from: 'roundHalfEven(side * scale)',
    to: 'Math.floor(side * scale)',
  },
  {
    ...longest,
    what: 'HPS: padded on one side only',
    from: '[Math.floor((size - width) / 2), Math.floor((size - height) / 2)]',
    to: '[0, 0]',
  },
  {
    what: 'OpenCLIP: GELU and its quick form exchanged',
    file: 'src/hub/open-clip-config.ts',
    from: "? 'quick_gelu' : 'gelu'",
    to: "? 'gelu' : 'quick_gelu'",
    tests: scorers,
  },
  {
    what: 'OpenCLIP: HTML read once only',
    file: 'src/models/tokenizer-open-clip.ts',
    from: 'unescapeHtml(unescapeHtml(fixText(text)))',
    to: 'unescapeHtml(fixText(text))',
    tests: ['test/models/tokenizer-open-clip.test.ts'],
  },
  {
    what: 'aesthetics: the embedding not normalised',
    file: 'src/scoring/aesthetic.ts',
    from: 'imageProcessor)).normalised',
    to: 'imageProcessor)).raw',
    tests: scorers,
  },
  {
    what: 'PickScore: softmax without the logit scale',
    file: 'src/scoring/two-towers.ts',
    from: 'Math.exp(scale * (score - largest))',
    to: 'Math.exp(score - largest)',
    tests: scorers,
  },
  {
    what: 'scorers: a picture against another one’s caption',
    file: 'src/scoring/two-towers.ts',
    from: '(caption) => texts.indexOf(caption)',
    to: '(_, i) => i % texts.length',
    tests: scorers,
  },
  {
    what: 'ImageReward: a text that forgets what it saw',
    file: 'src/models/blip.ts',
    from: 'return bertOutput(p.output, inner, seen, config);',
    to: 'return bertOutput(p.output, inner, own, config);',
    tests: scorers,
  },
  {
    what: 'ImageReward: not brought to mean 0 and deviation 1',
    file: 'src/scoring/image-reward.ts',
    from: '(reward - MEAN) / DEVIATION',
    to: 'reward - MEAN',
    tests: scorers,
  },
  {
    what: 'ImageReward: words with their accents',
    file: 'src/models/word-piece.ts',
    from: "normalize('NFD')",
    to: "normalize('NFC')",
    tests: ['test/models/word-piece.test.ts'],
  },
  {
    what: 'choice: even scores won by the second picture',
    file: 'src/data/choice-counts.ts',
    from: 'second > first ? 0 :',
    to: 'second >= first ? 0 :',
    tests: choice,
  },
  {
    what: 'choice: scores taken that other weights gave',
    file: 'src/data/score-file.ts',
    from: 'return line === head;',
    to: 'return line.length > 0;',
    tests: ['test/data/score-file.test.ts'],
  },
];
