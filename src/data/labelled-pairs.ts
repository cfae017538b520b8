/** Pairs with the labels that people gave them. */
import { createHash } from 'node:crypto';
import { dirname, relative, resolve } from 'node:path';
import { type Agreement, cohensKappa } from './kappa';
import { type Label, type Labels, readLabels } from './label-file';
import type { PictureSource } from './rows';
import type { Table } from './tables';
import type { UnlabelledPair, UnlabelledPairs } from './unlabelled-pairs';

export interface LabelChoice {
  /** Whose labels count. @default everybody's, by their mean: above ½ the first picture won, at ½ it is a tie */
  readonly labeller?: string;
}

/** How the file of the pairs is named in a file of labels beside it. */
export const pairsFrom = (labels: string, pairs: string): string =>
  relative(dirname(resolve(labels)), resolve(pairs)) || '.';

/** Where the pairs of a file of labels lie. */
export const pairsOfLabels = ({ path, pairs }: Labels): string =>
  resolve(dirname(resolve(path)), pairs);

/** The labels of each pair, in the order of the labellers. @throws RangeError for a labeller whose labels are not there */
export function labelsByPair(
  { path, byLabeller }: Labels,
  { labeller }: LabelChoice = {},
): Map<string, Label[]> {
  if (labeller !== undefined && !byLabeller.has(labeller)) {
    const others = [...byLabeller.keys()].map((name) => JSON.stringify(name)).join(', ');
    throw new RangeError(`"${path}" has no labels by "${labeller}"; it has ${others || 'none'}.`);
  }
  const found = new Map<string, Label[]>();
  for (const [name, labels] of byLabeller) {
    if (labeller !== undefined && name !== labeller) continue;
    for (const [pair, label] of labels) found.set(pair, [...(found.get(pair) ?? []), label]);
  }
  return found;
}

/** `label_0` of several people: that of their mean. */
export function meanLabel(labels: readonly Label[]): 0 | 0.5 | 1 {
  const mean = labels.reduce((sum, { label_0 }) => sum + label_0, 0) / labels.length;
  if (mean === 0.5) return 0.5;
  return mean > 0.5 ? 1 : 0;
}

/** The labelled ones of some pairs as a table. @throws RangeError for labels of pairs that are not there */
export function labelledTable(
  { source, pairs, pictures }: UnlabelledPairs,
  labels: Labels,
  choice: LabelChoice = {},
): Table {
  const byPair = labelsByPair(labels, choice);
  const known = new Set(pairs.map(({ id }) => id));
  const lost = [...byPair.keys()].find((pair) => !known.has(pair));
  if (lost !== undefined)
    throw new RangeError(
      `"${labels.path}" has a label of "${lost}"; "${source}" has no such pair.`,
    );
  const labelled = pairs.filter(({ id }) => byPair.has(id));
  const of = ({ id }: UnlabelledPair) => byPair.get(id) ?? [];
  return {
    columns: ['caption', 'jpg_0', 'jpg_1', 'label_0', 'model_0', 'model_1'],
    pictures: asShown(labelled, pictures, of),
    async *rows(columns) {
      for (const pair of labelled) {
        const { file, row, rowGroup, rowInGroup, caption, models } = pair;
        const [model_0, model_1] = models;
        const values = new Map(
          Object.entries({ caption, label_0: meanLabel(of(pair)), model_0, model_1 }),
        );
        yield { file, row, rowGroup, rowInGroup, values: columns.map((name) => values.get(name)) };
      }
    },
  };
}

/** The pictures, if they still are what was shown when the label was given. */
function asShown(
  pairs: readonly UnlabelledPair[],
  pictures: PictureSource,
  labelsOf: (pair: UnlabelledPair) => readonly Label[],
): PictureSource {
  const byPlace = new Map(pairs.map((pair) => [placeOf(pair), pair]));
  return {
    async get(row, column) {
      const bytes = await pictures.get(row, column);
      const pair = byPlace.get(placeOf(row));
      const found = digestOf(bytes);
      const side = column === 'jpg_0' ? 0 : 1;
      const shown = pair ? labelsOf(pair).map(({ sha256 }) => sha256[side]) : [];
      if (shown.every((digest) => digest === found)) return bytes;
      throw new RangeError(
        `Picture "${column}" of "${pair?.id}" is not the one that was labelled; label it again.`,
      );
    },
  };
}

/** Of a row, unlike that of every other. */
export const placeOf = ({ file, row }: Pick<UnlabelledPair, 'file' | 'row'>): string =>
  `${row} ${file.path}`;

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Cohen's κ of two people over the pairs that both answered, ties being an answer of their own. @throws RangeError */
export function labelAgreement(
  source: string | Labels,
  labellers?: readonly [string, string],
): Agreement {
  const labels = typeof source === 'string' ? readLabels(source) : source;
  const [first, second] = labellers ?? everyTwo(labels);
  const [a, b] = [first, second].map((labeller) => labelsByPair(labels, { labeller })) as [
    Map<string, Label[]>,
    Map<string, Label[]>,
  ];
  const both = [...a.keys()].filter((pair) => b.has(pair));
  const answers = (of: Map<string, Label[]>) => both.map((pair) => of.get(pair)?.[0]?.label_0);
  return cohensKappa(answers(a), answers(b));
}

function everyTwo({ path, byLabeller }: Labels): readonly [string, string] {
  const [first, second, third] = byLabeller.keys();
  if (first !== undefined && second !== undefined && third === undefined) return [first, second];
  throw new RangeError(
    `"${path}" has the labels of ${byLabeller.size} people; name the two that are compared.`,
  );
}
