/** Mutations of pairs of one's own: what a label means, who agrees, who is let in, and what is kept. */
import type { Mutation } from './mutations';

const kappa = { file: 'src/data/kappa.ts', tests: ['test/data/labelled-pairs.test.ts'] };
const labelled = { file: 'src/data/labelled-pairs.ts', tests: kappa.tests };
const file = { file: 'src/data/label-file.ts', tests: ['test/data/label-file.test.ts'] };
const session = { file: 'src/show/label-session.ts', tests: ['test/show/label-server.test.ts'] };
const guard = { file: 'src/show/label-guard.ts', tests: ['test/show/label-guard.test.ts'] };
const noise = { file: 'src/data/label-noise.ts', tests: ['test/data/label-noise.test.ts'] };
const own = { tests: ['test/data/own-pairs.test.ts'] };
const candidates = ['test/diffusion/candidates.test.ts'];

export const labelMutations: readonly Mutation[] = [
  {
    ...kappa,
    what: 'κ: chance not taken off',
    from: '(agreement - byChance) / (1 - byChance)',
    to: 'agreement',
  },
  {
    ...kappa,
    what: 'κ: chance by the shares of one person',
    from: 'share(a, kind) * share(b, kind)',
    to: 'share(a, kind) * share(a, kind)',
  },
  {
    ...labelled,
    what: 'labels of several: half is a win',
    from: 'if (mean === 0.5) return 0.5;',
    to: '',
  },
  {
    ...labelled,
    what: 'labelled pictures: not compared with those that were shown',
    from: 'if (shown.every((digest) => digest === found)) return bytes;',
    to: 'if (shown.length >= 0) return bytes;',
  },
  {
    ...file,
    what: 'labels: a line joined to a torn one',
    from: "isFirst ? '' : '\\n'",
    to: "''",
  },
  {
    ...file,
    what: 'labels: an answer that was taken back still counts',
    from: 'labels.delete(line.pair); // what is answered again moves to the end',
    to: '',
  },
  {
    ...session,
    what: 'labels: left taken for the first picture',
    from: "(choice === 'left') === (left === 'jpg_0') ? 1 : 0",
    to: "choice === 'left' ? 1 : 0",
  },
  {
    ...session,
    what: 'labels: no side is drawn',
    from: "(random.random() < 0.5 ? 'jpg_0' : 'jpg_1')",
    to: "'jpg_0'",
  },
  {
    ...guard,
    what: 'label server: a link is good twice',
    from: 'this.used.add(digest);',
    to: 'this.tickets.add(digest);',
  },
  {
    ...guard,
    what: 'label server: any name of it is taken',
    from: 'if (!this.hosts.includes(host.toLowerCase()))',
    to: 'if (this.hosts.length === 0)',
  },
  {
    ...guard,
    what: 'label server: names that begin like this machine’s are let in',
    from: '(?::\\d{1,5})?$/;',
    to: '/;',
  },
  {
    ...noise,
    what: 'noise lab: ties are taken from the exchanged',
    from: 'order.slice(all.length - Math.min(',
    to: 'order.slice(0, Math.min(',
  },
  {
    ...own,
    what: 'own pairs: a path may lead out of its folder',
    file: 'src/data/inside.ts',
    from: "!isAbsolute(name) && !name.includes('\\0') && isBelow(resolve(folder), path)",
    to: "!isAbsolute(name) && !name.includes('\\0')",
  },
  {
    ...own,
    what: 'own pairs: the rejected picture wins',
    file: 'src/data/own-tables.ts',
    from: '{ jpg_0: chosen, jpg_1: rejected }',
    to: '{ jpg_0: rejected, jpg_1: chosen }',
  },
  {
    what: 'blind test: the other model’s wins',
    file: 'src/scoring/label-win-rate.ts',
    from: 'side === 0 ? label : 1 - label',
    to: 'side === 0 ? 1 - label : label',
    tests: kappa.tests,
  },
  {
    what: 'candidates: one seed for all of a prompt',
    file: 'src/diffusion/candidates.ts',
    from: 'seed: seed + i * perPrompt + k',
    to: 'seed: seed + i * perPrompt',
    tests: candidates,
  },
];
