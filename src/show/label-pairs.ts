/** Labelling in a notebook: the page under the cell, and an await until the person is done. */

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { candidateFolder } from '../data/candidates';
import { type Labels, readLabels } from '../data/label-file';
import { openUnlabelled } from '../data/own-tables';
import type { UnlabelledPairs } from '../data/unlabelled-pairs';
import { labelOutput } from './label-page';
import { LabelServer } from './label-server';
import { LabelSession, type LabelState } from './label-session';
import { cellSignal, type MimeBundle, notebook } from './notebook';
import { remark } from './theme';

export interface LabelPairsOptions {
  /** Who answers; several may answer into one file. @default 'me' */
  readonly labeller?: string;
  /** JSON lines; what it holds counts, and is gone on with. @default labels.jsonl beside the pairs */
  readonly file?: string;
  /** Of which picture of each pair stands left. @default 0 */
  readonly seed?: number;
  /** Where a proxy shows ports of the kernel's machine: `https://HUB/user/NAME/proxy/{port}`. @default none does */
  readonly baseUrl?: string;
  /** Stops, and leaves what was answered. @default that of the cell */
  readonly signal?: AbortSignal;
}

/**
 * Shows pairs one by one, on which side each picture stands is drawn, and waits until the person says that it is enough. ←
 * and → choose, = or ↑ is a tie, u takes back; so does the mouse. Every answer is on the disk before the next pair is
 * shown: run again, it goes on where it was. Outside a notebook it prints a link for a browser on this machine.
 *
 * Programs that click find the link in the file that `DPO_LABEL_LINKS` names, if it names one.
 *
 * @param pairs a folder of `generateCandidates`, a list, a folder, parquet files; or pairs that were opened
 * @throws RangeError where there are no pairs, or the file is of others
 */
export async function labelPairs(
  pairs: string | UnlabelledPairs,
  options: LabelPairsOptions = {},
): Promise<Labels> {
  const opened = typeof pairs === 'string' ? await openUnlabelled(pairs) : pairs;
  const { labeller = 'me', file = labelsBeside(opened.source), seed, baseUrl } = options;
  const signal = options.signal ?? cellSignal();
  const session = await LabelSession.open(opened, { labeller, file, ...(seed ? { seed } : {}) });
  const server = await LabelServer.start(session, { baseUrl });
  const displayId = randomUUID();
  try {
    offerLinks(server);
    show(asking(server, session.state()), displayId, 'new');
    await Promise.race([server.finished, aborted(signal)]);
  } finally {
    await server.close();
    show(answered(session.state(), file), displayId, 'again');
  }
  signal?.throwIfAborted();
  return readLabels(file);
}

/** `labels.jsonl` in the folder of the pairs. */
export function labelsBeside(source: string): string {
  const folder = candidateFolder(source);
  const isListed = /\.(jsonl|csv|parquet)$/i.test(folder);
  return join(isListed ? dirname(folder) : folder, 'labels.jsonl');
}

function offerLinks(server: LabelServer): void {
  const { DPO_LABEL_LINKS: file } = process.env;
  if (file) appendFileSync(file, `${server.link()}\n`, { mode: 0o600 });
}

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });

function asking(server: LabelServer, { total, done }: LabelState): MimeBundle {
  const { base, id } = server;
  const rest = done === 0 ? `${total} pairs` : `${total - done} of ${total} pairs`;
  return {
    'text/html': labelOutput({ base, id, ticket: server.ticket(), link: server.link() }),
    'text/plain': `${rest} to label; open this, once:\n${server.link()}`,
  };
}

function answered({ total, done, labeller }: LabelState, file: string): MimeBundle {
  const text = `${done} of ${total} pairs answered by ${labeller}, kept in ${file}`;
  return { 'text/html': remark(text), 'text/plain': text };
}

function show(bundle: MimeBundle, displayId: string, time: 'new' | 'again'): void {
  const place = notebook();
  if (!place) process.stdout.write(`${bundle['text/plain']}\n`);
  else if (time === 'new') place.display(bundle, { displayId });
  else place.update(displayId, bundle);
}
