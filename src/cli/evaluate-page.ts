/** A result as one page that opens anywhere, without a network and without a script. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '../data/image';
import type { EvaluationResult, Extreme, ModelComparison } from '../scoring';
import type { Estimate } from '../scoring/evaluation/bca';
import { differenceText, provenance, pText, rateText } from '../scoring/evaluation/result-files';
import { type Figure, plot } from '../show';
import { verdict } from '../show/score-table';
import { escapeHtml, formatNumber } from '../show/text';
import { COLOURS } from '../show/theme';
import { thumbnail } from '../show/thumbnail';
import { STYLE } from './report-style';

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

const LOOK = `
.rate { position: relative; display: inline-block; width: 130px; height: 12px; background: #eef0f2; vertical-align: middle; }
.rate i { position: absolute; top: 0; height: 12px; } .warning { color: #7d4e00; }
.pictures { display: flex; flex-wrap: wrap; gap: 18px; } .pictures figure { margin: 0; width: 208px; }
.pictures figure > div { display: flex; gap: 8px; } .pictures figcaption { color: var(--faint); }
th { text-align: left; } td.num, th.num { text-align: right; } td.num { white-space: nowrap; } svg { max-width: 100%; height: auto; }
`;

/** @param folder where the pictures are */
export async function evaluationPage(result: EvaluationResult, folder: string): Promise<string> {
  const title = findingOf(result);
  const scorers: string[] = [];
  for (const comparison of result.comparisons)
    scorers.push(await scorerSection(comparison, folder));
  const links = result.comparisons.map(
    (comparison) => `<a href="#${anchor(comparison)}">${escapeHtml(titleOf(comparison))}</a>`,
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}${LOOK}</style></head><body>`,
    `<nav aria-label="Contents">${links.join('')}</nav>`,
    `<main><h1>${escapeHtml(title)}</h1>`,
    `<ul class="facts">${provenance(result)
      .map((fact) => `<li>${escapeHtml(fact)}</li>`)
      .join('')}</ul>`,
    ratesTable(result),
    scorers.join('\n'),
    driftSection(result),
    '</main></body></html>\n',
  ].join('\n');
}

const titleOf = ({ challenger, base, scorer }: ModelComparison) =>
  `${challenger} against ${base}, by ${scorer}`;
const anchor = ({ challenger, scorer }: ModelComparison) =>
  `${challenger}-${scorer}`.replace(/[^\w-]/g, '_');

/** What the first comparison allows to say. */
function findingOf({ comparisons: [first] }: EvaluationResult): string {
  if (!first) return 'Nothing was compared';
  const { winRate, challenger, base, scorer } = first;
  const said = verdict({ ...winRate, mean: winRate.value });
  return `${challenger} wins ${rateText(winRate)} against ${base} by ${scorer}: ${said}`;
}

type Row = readonly (readonly [html: string, kind?: 'number'])[];

function tableHtml(head: readonly string[], rows: readonly Row[]): string {
  const kinds = rows[0]?.map(([, kind]) => kind) ?? [];
  const of = (i: number) => (kinds[i] === 'number' ? ' class="num"' : '');
  const heads = head.map((text, i) => `<th${of(i)}>${escapeHtml(text)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${row.map(([html], i) => `<td${of(i)}>${html}</td>`).join('')}</tr>`,
  );
  return `<section><table><thead><tr>${heads}</tr></thead><tbody>${body.join('')}</tbody></table></section>`;
}

function ratesTable({ comparisons }: EvaluationResult): string {
  const head = ['', 'win rate', '', 'mean difference', 'median difference', 'sign test p'];
  const rows = comparisons.map((comparison): Row => {
    const { winRate, meanDifference, medianDifference, signTest } = comparison;
    return [
      [escapeHtml(titleOf(comparison))],
      [rateBar(winRate)],
      [`${rateText(winRate)}`, 'number'],
      [inTwoLines(differenceText(meanDifference)), 'number'],
      [inTwoLines(differenceText(medianDifference)), 'number'],
      [pText(signTest.p), 'number'],
    ];
  });
  return tableHtml(head, rows);
}

const inTwoLines = (text: string) => escapeHtml(text).replace(' (', '<br>(');

/** The interval, its rate, and a line at one half, on a scale from 0 to 100 %. */
function rateBar({ value, low, high }: Estimate): string {
  const colour = low > 0.5 ? COLOURS[2] : high < 0.5 ? COLOURS[1] : '#888';
  const piece = (from: number, to: number, style: string) =>
    `<i style="left:${(100 * from).toFixed(2)}%;width:${Math.max(0.7, 100 * (to - from)).toFixed(2)}%;${style}"></i>`;
  return `<span class="rate">${piece(low, high, `background:${colour};opacity:.45`)}${piece(value, value, `background:${colour}`)}${piece(0.5, 0.5, 'background:#555;width:1px')}</span>`;
}

async function scorerSection(comparison: ModelComparison, folder: string): Promise<string> {
  const { pairs, seeds, variance, warnings, winRate, largest } = comparison;
  const points = (x: number) => (100 * x).toFixed(1);
  const share = (x: number) => `${points(x)} %`;
  const spread =
    seeds.deviation === undefined
      ? ''
      : `; standard deviation over seeds ${points(seeds.deviation)} points`;
  const facts = [
    `${pairs.wins} pairs won, ${pairs.losses} lost, ${pairs.ties} tied, of ${winRate.n} prompts`,
    `by seed: ${seeds.rates.map(share).join(', ')}${spread}`,
    ...(variance
      ? [
          `standard error of the rate ${points(variance.error)} points, of which the luck of seeds alone makes ${points(variance.errorOfSeeds)}; the two add in squares`,
        ]
      : []),
  ];
  return [
    `<h2 id="${anchor(comparison)}">${escapeHtml(titleOf(comparison))}</h2>`,
    `<ul>${facts.map((fact) => `<li>${escapeHtml(fact)}</li>`).join('')}`,
    `${warnings.map((warning) => `<li class="warning">${escapeHtml(warning)}</li>`).join('')}</ul>`,
    plot(histogram(comparison)).svg(),
    categoriesTable(comparison),
    await picturesHtml('Largest wins', largest.wins, comparison, folder),
    await picturesHtml('Largest losses', largest.losses, comparison, folder),
  ].join('\n');
}

function histogram({ differences, scorer, challenger, base }: ModelComparison): Figure {
  return {
    data: [{ type: 'histogram', x: differences.flat(), nbinsx: 40 }],
    layout: {
      title: { text: `Right of 0 ${challenger} is ahead` },
      height: 260,
      xaxis: { title: { text: `${scorer}: ${challenger} − ${base}` } },
      yaxis: { title: { text: 'pairs' } },
      shapes: [
        { type: 'line', x0: 0, x1: 0, y0: 0, y1: 1, yref: 'paper', line: { color: '#555' } },
      ],
    },
  };
}

function categoriesTable({ categories }: ModelComparison): string {
  const rows = categories.map(
    ({ kind, category, n, rate, interval }): Row => [
      [escapeHtml(kind)],
      [escapeHtml(category)],
      [String(n), 'number'],
      [interval ? rateText(interval) : `${(100 * rate).toFixed(1)} %`, 'number'],
      [interval ? rateBar(interval) : '<small>too few for an interval</small>'],
    ],
  );
  return rows.length === 0 ? '' : tableHtml(['', '', 'prompts', 'win rate', ''], rows);
}

async function picturesHtml(
  title: string,
  extremes: readonly Extreme[],
  { challenger, base }: ModelComparison,
  folder: string,
): Promise<string> {
  const picture = async (file: string, alt: string) =>
    thumbnail(await decodeImage(await readFile(join(folder, file))), { side: 96, alt });
  const figures: string[] = [];
  for (const { prompt, seed, difference, ...files } of extremes) {
    const both = `${await picture(files.base, base)}${await picture(files.challenger, challenger)}`;
    const said = `${prompt} · seed ${seed} · ${difference > 0 ? '+' : ''}${formatNumber(difference, 3)}`;
    figures.push(`<figure><div>${both}</div><figcaption>${escapeHtml(said)}</figcaption></figure>`);
  }
  if (figures.length === 0) return '';
  const key = `left ${base}, right ${challenger}`;
  return `<h3>${title}</h3><p class="facts">${escapeHtml(key)}</p><section class="pictures">${figures.join('')}</section>`;
}

function driftSection({ drift, models }: EvaluationResult): string {
  const rows = drift.map(
    ({ challenger, look, from, to, difference }): Row => [
      [escapeHtml(challenger)],
      [look],
      [formatNumber(from, 3), 'number'],
      [formatNumber(to, 3), 'number'],
      [differenceText(difference), 'number'],
    ],
  );
  const alone = models.map(
    ({ model, variety, copies }): Row => [
      [escapeHtml(model)],
      [variety ? formatNumber(variety.pairDistance, 3) : 'one seed', 'number'],
      [copies ? `${copies.exact} exact, ${copies.near} near` : 'not looked for', 'number'],
    ],
  );
  return [
    '<h2 id="looks">What the pictures look like, whatever the scorers say</h2>',
    '<p>Colourfulness is M of Hasler and Süsstrunk (2003), contrast the standard deviation of the luma, sharpness the variance of its Laplacian.</p>',
    tableHtml(['model', 'look', 'base', 'model', 'difference'], rows),
    '<p>How far apart the pictures of one prompt are across seeds (root mean square, 0 to 255), and how many stand in the training data.</p>',
    tableHtml(['model', 'distance within a prompt', 'copies'], alone),
  ].join('\n');
}
