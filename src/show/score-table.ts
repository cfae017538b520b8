/** Rates with their intervals, drawn on one scale: who beats whom, and whether that may be claimed. */
import { formatRate, type Interval, type WinRate } from '../scoring';
import type { Comparison } from '../toyworld';
import { addLook, has } from './looks';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { table } from './table';
import { escapeHtml } from './text';
import { COLOURS, heading, remark, THEME } from './theme';

export interface ScoreTableOptions {
  readonly title?: string;
  /** The rate that says nothing; a line marks it. @default 0.5 */
  readonly chance?: number;
}

/** Rates by name, each with a bar from the low to the high end of its interval and a mark at its mean. */
export function scoreTable(
  scores: { readonly [name: string]: Interval },
  { title = 'rates with 95 % intervals', chance = 0.5 }: ScoreTableOptions = {},
): Displayable {
  return { [DISPLAY]: () => scoresBundle(scores, title, chance) };
}

/** What an interval allows to say. */
export function verdict({ low, high }: Interval, chance = 0.5): string {
  if (low > chance) return 'above chance';
  return high < chance ? 'below chance' : 'not told from chance';
}

function scoresBundle(
  scores: { readonly [name: string]: Interval },
  title: string,
  chance: number,
): MimeBundle {
  const rows = Object.entries(scores).map(([name, score]) => {
    const counts = 'wins' in score ? countsOf(score as WinRate) : '';
    return { name, score, rate: formatRate(score), says: verdict(score, chance), counts };
  });
  const cell = (content: string) =>
    `<td style="text-align:left;white-space:nowrap">${content}</td>`;
  const lines = rows.map(({ name, score, rate, says, counts }) => {
    const faint = `<span style="${THEME.faint}">${[says, counts].filter((part) => part).join(' · ')}</span>`;
    return `<tr>${cell(escapeHtml(name))}${cell(intervalBar(score, chance))}${cell(rate)}${cell(faint)}</tr>`;
  });
  const scale = remark(`bars from 0 to 100 %, the grey line at ${formatPercent(chance)}`);
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const text = rows.map(({ name, rate, says, counts }) =>
    [`${name.padEnd(longest)}  ${rate}`, says, ...(counts ? [counts] : [])].join(' · '),
  );
  return {
    'text/html': `${heading(title)}<table><tbody>${lines.join('')}</tbody></table>${scale}`,
    'text/plain': [title, ...text].join('\n'),
  };
}

const formatPercent = (share: number) => `${Number((100 * share).toFixed(1))} %`;

const countsOf = ({ wins, losses, ties }: WinRate) => `${wins} won, ${losses} lost, ${ties} tied`;

const WIDTH = 200;

/** Pieces in a row: nothing, the interval up to the mean, the mean, the rest of it, nothing; and the line of chance. */
function intervalBar({ low, mean, high }: Interval, chance: number): string {
  const at = (share: number) => Math.round(WIDTH * Math.min(1, Math.max(0, share)));
  const colour = low > chance ? COLOURS[2] : high < chance ? COLOURS[1] : '#888888';
  const piece = (width: number, style: string) =>
    `<span style="width:${Math.max(0, width)}px;height:10px;${style}"></span>`;
  const marks: [number, number, string][] = [
    [at(low), at(high), `background-color:${colour};opacity:0.55`],
    [at(mean) - 1, at(mean) + 2, `background-color:${colour}`],
    [at(chance), at(chance) + 1, 'background-color:#888888'],
  ];
  const pieces: string[] = [];
  const cuts = [
    ...new Set([0, WIDTH, ...marks.map(([from]) => from), ...marks.map(([, to]) => to)]),
  ].sort((a, b) => a - b);
  for (const [i, from] of cuts.slice(0, -1).entries()) {
    const to = cuts[i + 1] ?? from;
    const mark = [...marks].reverse().find(([start, end]) => start <= from && to <= end);
    pieces.push(piece(to - from, mark?.[2] ?? `background-color:${THEME.ground}`));
  }
  return `<span style="display:inline-flex;width:${WIDTH}px">${pieces.join('')}</span>`;
}

const isInterval = has('mean', 'low', 'high', 'n');

addLook('rate', { is: isInterval }, (rate: Interval) =>
  scoresBundle({ rate }, 'rate with its 95 % interval', 0.5),
);

/** `Comparison` of `src/toyworld`. */
const isComparison = (value: object) =>
  ['judge', 'faithful', 'scorer'].every((name) =>
    isInterval((value as Record<string, unknown>)[name]),
  );

addLook(
  'comparison',
  { is: isComparison },
  async ({ judge, faithful, scorer, terms }: Comparison) => {
    const rates = { judge, 'faithful terms': faithful, 'learnt scorer': scorer };
    const won = `The tuned model wins ${formatPercent(judge.mean)} by the judge: ${verdict(judge)}`;
    const scores = scoresBundle(rates, won, 0.5);
    const rows = Object.entries(terms).map(([term, { base, tuned }]) => ({
      term,
      base,
      tuned,
      change: tuned - base,
    }));
    const means = await table(rows, { title: "the judge's terms, means over all prompts" })[
      DISPLAY
    ]();
    return {
      'text/html': `${scores['text/html']}${means['text/html']}`,
      'text/plain': `${scores['text/plain']}\n${means['text/plain']}`,
    };
  },
);
