/** What the label server answers, address by address. */
import type { IncomingMessage } from 'node:http';
import { type Keys, Refused, readFields } from './label-guard';
import { labelPage, PAGE_POLICY } from './label-page';
import { CHOICES, type Choice, type LabelSession, type Side } from './label-session';

export interface Answer {
  /** @default 200 */
  readonly status?: number;
  readonly type?: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly path: RegExp;
  readonly method: 'GET' | 'POST';
  /** `open`: answered without a session, as it gives nothing away. @default 'locked' */
  readonly door?: 'open' | 'locked';
  readonly answer: (request: IncomingMessage, found: readonly string[]) => Answer | Promise<Answer>;
}

export interface Desk {
  readonly session: LabelSession;
  readonly keys: Keys;
  /** Of the server. */
  readonly id: string;
  /** Called when a ticket was exchanged. */
  readonly opened: () => void;
  /** Called when the person says that it is enough. */
  readonly finish: () => void;
}

export const json = (value: object): Answer => ({
  type: 'application/json',
  body: JSON.stringify(value),
});

export function labelRoutes(desk: Desk): readonly Route[] {
  const { session } = desk;
  return [
    { path: /^\/$/, method: 'GET', door: 'open', answer: () => page(desk.id) },
    { path: /^\/session$/, method: 'POST', door: 'open', answer: (r) => exchange(desk, r) },
    {
      path: /^\/state\/(\d{1,9})$/,
      method: 'GET',
      answer: (_, [from]) => json(session.state(Number(from))),
    },
    {
      path: /^\/pair\/(\d{1,9})$/,
      method: 'GET',
      answer: (_, [index]) => json(session.ask(known(session, Number(index)))),
    },
    {
      path: /^\/picture\/(\d{1,9})\/(left|right)$/,
      method: 'GET',
      answer: (_, [index, side]) => picture(session, Number(index), side as Side),
    },
    { path: /^\/choice$/, method: 'POST', answer: (request) => choose(session, request) },
    { path: /^\/undo$/, method: 'POST', answer: (request) => undo(session, request) },
    { path: /^\/finish$/, method: 'POST', answer: (request) => finish(desk, request) },
  ];
}

const page = (id: string): Answer => ({
  type: 'text/html; charset=utf-8',
  body: labelPage(id),
  headers: { 'content-security-policy': PAGE_POLICY, 'x-frame-options': 'DENY' },
});

async function exchange({ keys, opened }: Desk, request: IncomingMessage): Promise<Answer> {
  const { ticket } = await readFields(request, ['ticket']);
  const session = keys.exchange(typeof ticket === 'string' ? ticket : '');
  opened();
  return json({ session });
}

async function picture(session: LabelSession, index: number, side: Side): Promise<Answer> {
  return { type: 'image/png', body: await session.picture(known(session, index), side) };
}

async function choose(session: LabelSession, request: IncomingMessage): Promise<Answer> {
  const { pair, choice } = await readFields(request, ['pair', 'choice']);
  if (typeof pair !== 'number') throw new Refused(400, 'The pair must be a number.');
  const index = known(session, pair);
  if (!isChoice(choice)) throw new Refused(400, `The choice must be one of ${CHOICES.join(', ')}.`);
  await session.choose(index, choice);
  return json(session.state(index));
}

async function undo(session: LabelSession, request: IncomingMessage): Promise<Answer> {
  await readFields(request, []);
  const index = await session.undo();
  if (index === undefined) throw new Refused(409, 'There is no answer to take back.');
  return json(session.state(index));
}

async function finish({ session, finish: end }: Desk, request: IncomingMessage): Promise<Answer> {
  await readFields(request, []);
  end();
  return json(session.state());
}

function known(session: LabelSession, index: number): number {
  if (session.has(index)) return index;
  throw new Refused(404, `There is no pair ${index}; there are ${session.total}, from 0.`);
}

const isChoice = (value: unknown): value is Choice =>
  typeof value === 'string' && (CHOICES as readonly string[]).includes(value);
