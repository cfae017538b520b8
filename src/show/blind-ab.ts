/** A blind comparison: two pictures of one prompt, in an order that only the answers tell. */
import { createHash } from 'node:crypto';
import type { RgbImage } from '../data/image';
import { PythonRandom } from '../random';
import { bootstrapMean, type Interval } from '../scoring';
import { DISPLAY, type Displayable } from './notebook';
import { BLIND } from './scripts';
import { escapeHtml } from './text';
import { heading, remark, row } from './theme';
import { thumbnail } from './thumbnail';

/** What two models drew for one prompt. */
export interface BlindPair {
  readonly caption?: string;
  readonly a: RgbImage;
  readonly b: RgbImage;
}

export interface BlindOptions {
  /** Whose pictures `a` and `b` are. @default ['a', 'b'] */
  readonly labels?: readonly [string, string];
  /** Of the order of each pair. @default 0 */
  readonly seed?: number;
  /** Longest side in the page, in pixels. @default 192 */
  readonly side?: number;
}

export interface BlindTest extends Displayable {
  /** Which of a pair stands left. */
  readonly left: readonly ('a' | 'b')[];
  /**
   * How often `b` was chosen, with its interval; a draw counts half. `json` is what the page exports.
   * Throws RangeError for answers of another test, or none.
   */
  score(json: string): Interval & { readonly answered: number };
}

/**
 * Each pair with its pictures in a drawn order and no name. In a page whose scripts run, a click answers, names the two
 * and adds to the answers, to be copied or saved; without scripts a fold under each pair names them.
 */
export function blindAB(
  pairs: readonly BlindPair[],
  { labels = ['a', 'b'], seed = 0, side = 192 }: BlindOptions = {},
): BlindTest {
  if (pairs.length === 0) throw new RangeError('A blind test needs at least one pair.');
  const random = new PythonRandom(seed);
  const left = pairs.map(() => (random.random() < 0.5 ? 'a' : 'b'));
  const of = identity(pairs, left);
  return {
    left,
    score: (json) => scored(json, of, left),
    [DISPLAY]: async () => {
      const questions = await Promise.all(
        pairs.map((pair, i) => questionHtml(pair, { i, first: left[i] ?? 'a', labels, side })),
      );
      const count = pairs.length === 1 ? 'One pair' : `${pairs.length} pairs`;
      const title = `Which picture is better? ${count}, in an order that hides whose they are`;
      const key = remark('Without an answer, the names are under each pair, folded.');
      const result = '<div class="dpo-blind-result"></div>';
      return {
        'text/html': `<div class="dpo-blind" data-of="${of}">${heading(title)}${key}${row(questions, 24)}${result}</div>${BLIND}`,
        'text/plain': `${title}. The pictures are only in the page.`,
      };
    },
  };
}

interface Question {
  readonly i: number;
  readonly first: 'a' | 'b';
  readonly labels: readonly [string, string];
  readonly side: number;
}

async function questionHtml(
  pair: BlindPair,
  { i, first, labels, side }: Question,
): Promise<string> {
  const order = first === 'a' ? ([pair.a, pair.b] as const) : ([pair.b, pair.a] as const);
  const names = first === 'a' ? labels : ([labels[1], labels[0]] as const);
  const pictures = await Promise.all(
    order.map((image, k) => thumbnail(image, { side, alt: `${pair.caption ?? ''}, ${SIDES[k]}` })),
  );
  const cells = pictures.map(
    (picture, k) => `<div>${picture}<span data-choice="${SIDES[k]}">${SIDES[k]}</span></div>`,
  );
  const draw = '<span data-choice="draw">no difference</span>';
  const [leftName, rightName] = names.map(escapeHtml);
  const key = `<details><summary>which is which</summary>left: <b>${leftName}</b>, right: <b>${rightName}</b></details>`;
  const caption = pair.caption ? `<div><small>${escapeHtml(pair.caption)}</small></div>` : '';
  return `<div data-question="${i}" style="max-width:${2 * side + 8}px">${caption}${row(cells, 8)}${draw}${key}</div>`;
}

const SIDES = ['left', 'right'] as const;

/** Of the pictures and their order, so that answers cannot be scored against another test. */
function identity(pairs: readonly BlindPair[], left: readonly string[]): string {
  const hash = createHash('sha256');
  for (const { a, b } of pairs) hash.update(a.data).update(b.data);
  return hash.update(left.join()).digest('hex').slice(0, 16);
}

function scored(json: string, of: string, left: readonly ('a' | 'b')[]) {
  const found: unknown = JSON.parse(json);
  const { of: asked, answers } = Object(found) as {
    readonly of?: unknown;
    readonly answers?: unknown;
  };
  if (asked !== of)
    throw new RangeError(`These answers are of test "${String(asked)}"; this is "${of}".`);
  const points = Object.entries(Object(answers) as Record<string, unknown>).map(
    ([question, choice]) => {
      const first = left[Number(question)];
      const isKnown = choice === 'left' || choice === 'right' || choice === 'draw';
      if (first === undefined || !isKnown)
        throw new RangeError(
          `The answer "${String(choice)}" to question "${question}" is none of this test's.`,
        );
      if (choice === 'draw') return 0.5;
      return (choice === 'left') === (first === 'b') ? 1 : 0;
    },
  );
  if (points.length === 0) throw new RangeError('No pair was answered.');
  return { ...bootstrapMean(points), answered: points.length };
}
