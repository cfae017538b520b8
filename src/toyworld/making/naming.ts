// B pictures or captions, D width of the common space, N names of all attributes together
/** What the scorer learns before any label: the names of what a picture shows and of what a caption says. */

import type { RgbImage } from '../../data/image';
import {
  accumulateGrads,
  logSoftmax,
  Parameters,
  scoped,
  type Tensor,
  tensor,
  tidy,
} from '../../engine';
import { type ClipModel, imageEmbeds, logitScale, textEmbeds } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { TorchGenerator } from '../../random';
import { drawCaption } from '../captions';
import { type Corpus, corpusImage } from '../corpus';
import { Draws } from '../draws';
import { perceive } from '../judge';
import { BACKGROUND_NAMES, COLOUR_NAMES, type Meaning, PLACE_NAMES, SIZE_NAMES } from '../scenes';
import { SHAPES } from '../shapes';
import type { ScorerTraining } from './scorer';
import { idBatch, pixelBatch } from './scorer-batch';
import { train } from './train';

const ATTRIBUTES = [
  ['shape', SHAPES],
  ['colour', COLOUR_NAMES],
  ['background', BACKGROUND_NAMES],
  ['size', SIZE_NAMES],
  ['place', PLACE_NAMES],
] as const;

const NAME_COUNT = ATTRIBUTES.reduce((count, [, names]) => count + names.length, 0);

/** What is meant: 1 for one name of every attribute, 0 for the others. [N] */
export const namesMeant = (meaning: Meaning): number[] =>
  ATTRIBUTES.flatMap(([attribute, names]) =>
    names.map((name) => Number(meaning[attribute] === name)),
  );

/** What the judge sees in a picture, the names of an attribute adding up to 1; all alike where it sees nothing. [N] */
export function namesSeen(image: RgbImage): number[] {
  const seen = perceive(image);
  return ATTRIBUTES.flatMap(([attribute, names]) => {
    const likeness: Readonly<Record<string, number>> = seen?.[attribute] ?? {};
    const values = names.map((name) => likeness[name] ?? 0);
    const sum = values.reduce((a, b) => a + b, 0);
    return values.map((value) => (sum > UNSEEN ? value / sum : 1 / names.length));
  });
}

/** Less likeness than this to all names together says nothing. */
const UNSEEN = 0.02;

/**
 * The sum over attributes of the cross entropy of their names, each name a direction of the common space. Cosines, as
 * they will be scored: no attribute can be told apart by a head of large weights while it hardly moves the score.
 * @param names their directions, of any length, [N, D]
 * @param embeds of length 1, [B, D]
 * @param scale what cosines are multiplied by, []
 * @param wanted as {@link namesSeen} gives it, [B, N]
 */
export const namingLoss = scoped(
  'namingLoss',
  (names: Tensor, embeds: Tensor, scale: Tensor, wanted: Tensor): Tensor => {
    const [B = 0] = embeds.shape;
    const length = names.square().sum(1, { keepDims: true }).sqrt(); // [N, 1]
    const logits = embeds.matmul(names.div(length), { transposeB: true }).mul(scale); // [B, N]
    const losses: Tensor[] = [];
    let first = 0;
    for (const [, values] of ATTRIBUTES) {
      const part = (x: Tensor) => x.slice([0, first], [B, values.length]);
      losses.push(logSoftmax(part(logits)).mul(part(wanted)).sum().div(-B));
      first += values.length;
    }
    return losses.reduce((sum, loss) => sum.add(loss));
  },
);

/** Random directions for all names; the caller frees them. */
export function newNames(D: number, generator: TorchGenerator): Parameters {
  const parameters = Parameters.allocate([['names', [NAME_COUNT, D]]]);
  parameters.write('names', generator.randn(NAME_COUNT * D));
  return parameters;
}

/** Pictures to learn names from: sloppy ones of known meaning, and what the base drew. */
export interface NamedPictures {
  readonly corpus: Corpus;
  readonly drawn: readonly RgbImage[];
}

/**
 * Teaches both towers the same directions for the names, so that a name lies in one place whether it is seen or read: a
 * small model learns so in minutes what CLIP takes from 400 million captioned pictures. Half of a batch are sloppy
 * pictures with their captions, half are what the base drew. Yields every step.
 */
export async function* trainNaming(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  { corpus, drawn }: NamedPictures,
  { batchSize: B, ...plan }: ScorerTraining,
) {
  const seen = drawn.map(namesSeen);
  const names = newNames(clip.config.projectionDim, new TorchGenerator(plan.seed));
  const directions = names.tensor('names');
  const half = B / 2;
  yield* train({
    ...plan,
    weights: { clip: clip.parameters, names },
    warmupSteps: 100,
    optimizer: { beta2: 0.98, weightDecay: 0.05 },
    emaDecay: 0.99,
    batch: (generator) =>
      tidy(() => {
        const draws = new Draws(generator);
        const sloppy = Array.from(generator.randint(0, corpus.meanings.length, half));
        const others = Array.from(generator.randint(0, drawn.length, half));
        const meant = sloppy.map((i) => corpus.meanings[i] as Meaning);
        const read = meant.flatMap(namesMeant);
        const shown = [...read, ...others.flatMap((i) => seen[i] ?? [])];
        const pictures = [
          ...sloppy.map((i) => corpusImage(corpus, i)),
          ...others.map((i) => drawn[i] as RgbImage),
        ];
        const captions = meant.map((meaning) => drawCaption(meaning, draws));
        const [pixels, ids] = [pixelBatch(pictures), idBatch(tokenizer, captions)];
        const [wantedShown, wantedRead] = [nameBatch(shown), nameBatch(read)];
        const loss = accumulateGrads(() => {
          const scale = logitScale(clip);
          const images = imageEmbeds(clip, pixels).normalised;
          const texts = textEmbeds(clip, ids).normalised;
          const ofImages = namingLoss(directions, images, scale, wantedShown);
          return ofImages.add(namingLoss(directions, texts, scale, wantedRead));
        });
        return { loss: loss.item() };
      }),
  });
  names.dispose();
}

/** [B, N] */
const nameBatch = (values: readonly number[]) =>
  tensor(values, [values.length / NAME_COUNT, NAME_COUNT]);
