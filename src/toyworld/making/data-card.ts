/** The text of `data/README.md`. */

import { captionWords } from '../captions';
import { TERMS, WEIGHTS } from '../judge';
import { TEMPERATURE, TIE_MARGIN } from '../labels';
import { allMeanings, BACKGROUND_NAMES, COLOUR_NAMES, isHeldOut } from '../scenes';
import { SHAPES } from '../shapes';
import type { Figures } from './measure';
import type { FileFacts } from './package';
import { DRAWING } from './pairs';
import type { Recipe } from './recipe';

const figure = (figures: Figures, name: string) => (figures[name] ?? Number.NaN).toFixed(3);

/** The data card: what the world is, its rule, its sizes, how it was made, and what is in each file. */
export function dataCard(recipe: Recipe, figures: Figures, files: readonly FileFacts[]): string {
  const chapters = [head(), rule(), making(recipe), measured(recipe, figures)];
  return [...chapters, `## Files\n\n${fileTable(files)}`].join('\n\n').concat('\n');
}

function head(): string {
  const meanings = allMeanings();
  const held = meanings.filter(isHeldOut).length;
  return `# The embedded world

A small world in which the right answer is known, in the file formats of the real one: a Stable
Diffusion 1.x pipeline in diffusers' layout (\`base/\`), preference pairs in Pick-a-Pic v2's parquet
columns (\`pairs/\`), held-out captions (\`prompts/\`) and a CLIP trained with PickScore's objective
(\`scorer/\`). Everything here is made by \`npm run world\`; nothing comes from outside.

Pictures are 32 × 32 (latents 8 × 8 × 4) and show one figure on a plain background: ${SHAPES.length} shapes
(${SHAPES.join(', ')}), ${COLOUR_NAMES.length} colours (${COLOUR_NAMES.join(', ')}),
${BACKGROUND_NAMES.length} backgrounds (${BACKGROUND_NAMES.join(', ')}), 3 sizes, 5 places. That makes
${meanings.length} meanings, said in ${captionWords().length} words. ${held} of the meanings, whole combinations of colour, shape and
background, are held out: no training caption names them. (A training picture may still show one by
a slip of the pen.)`;
}

function rule(): string {
  const rows = TERMS.map((term) => `| ${term} | ${WEIGHTS[term]} | ${MEANING[term]} |`);
  return `## The rule

The judge (\`src/toyworld/judge.ts\`) sees the picture and the caption and nothing else. Each term is
between 0 and 1; the utility U is their weighted sum. A picture in which nothing stands out has U = 0.

| term | weight | what it asks |
| --- | --- | --- |
${rows.join('\n')}

Labels are drawn from U: a tie where |ΔU| < ${TIE_MARGIN}, else the first picture is preferred with
probability σ(ΔU / ${TEMPERATURE}) (Bradley and Terry). So the best that any predictor can expect is known.`;
}

const MEANING = {
  colour: "is the figure's hue the captioned one?",
  shape: 'does its outline match the captioned shape better than the others?',
  background: 'is the border the captioned colour?',
  size: 'does it cover as many pixels as it should?',
  place: 'is its centroid where the caption says, or else in the centre?',
  vivid: 'is the colour full?',
  clean: 'are there no stray dots, and is the outline that of some shape?',
} as const;

function making(recipe: Recipe): string {
  const { corpus, vae, base, pairs, naming, preference, validationPairs } = recipe;
  return `## How it was made

1. ${corpus.count} sloppy pictures of training meanings: off their place, pale, ragged, with stray dots,
   one in twenty in a wrong colour, one in twenty-five in a wrong shape.
2. The autoencoder: ${vae.steps} steps of ${vae.batchSize} pictures.
3. Text encoder and UNet together: ${base.steps} steps of ${base.batchSize}; errors weighted by min-SNR (γ = 1);
   moving average of the weights; stored in float16.
4. Pairs: ${pairs.train.count} training and ${pairs.heldout.count} held-out captions, two pictures each by that base
   (DDIM, ${DRAWING.numInferenceSteps} steps, guidance ${DRAWING.guidanceScale}), stored as JPEG with full-resolution colour, judged as stored.
5. The scorer, in two lessons:
   names: which shape, colour, background, size and place a caption of step 1 means, and what the judge sees in the
   pictures of step 1 and of the training pairs, each name a direction of CLIP's common space (${naming.steps} steps of
   ${naming.batchSize} pictures);
   PickScore's objective on pairs mirrored and reworded by chance (up to ${preference.steps} steps of ${preference.batchSize}): ${Math.round(100 * (1 - preference.crossShare))} % the
   labelled training pairs, the rest training pictures beside those of a related caption, labelled by the same rule;
   stopped where the loss of the last ${validationPairs} training pairs, which it never learns from, is lowest.

Every stage has its own seed (\`src/toyworld/making/recipe.ts\`).`;
}

function measured({ prompts }: Recipe, figures: Figures): string {
  const names = Object.keys(figures);
  const rows = names.map((name) => `| ${name} | ${figure(figures, name)} |`);
  return `## Measured

Base: means over ${prompts.measured} held-out captions. Ceilings and agreements are over pairs that are no ties.

| figure | value |
| --- | --- |
${rows.join('\n')}`;
}

function fileTable(files: readonly FileFacts[]): string {
  const rows = files.map(({ name, bytes, sha256 }) => `| ${name} | ${bytes} | \`${sha256}\` |`);
  return `| file | bytes | SHA-256 |\n| --- | --- | --- |\n${rows.join('\n')}`;
}
