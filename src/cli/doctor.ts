/** `npm run doctor`: one table about this machine and this clone, made to be pasted into a bug report. */
import {
  type Fact,
  machineFacts,
  packageFacts,
  pythonFacts,
  tensorflowFacts,
} from './doctor-facts';

/** A Markdown table with padded columns, readable as plain text too. */
export function markdownTable(facts: readonly Fact[]): string {
  const rows: Fact[] = [['part', 'found'], ...facts];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = ['', ''], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

if (require.main === module) {
  const facts = [...machineFacts(), ...tensorflowFacts(), ...pythonFacts(), ...packageFacts()];
  process.stdout.write(`${markdownTable(facts)}\n`);
  process.exitCode = facts.some(([, found]) => found.startsWith('missing')) ? 1 : 0;
}
