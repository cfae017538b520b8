/**
 * Jupyter's protocol as seen from the sockets: the order of cells, statuses, replies, and every answer that needs no
 * compiler. The thread that runs cells may be busy for minutes; nothing here waits for it.
 */
import { History } from './history';
import { type Answer, type Order, type Question, unpack } from './orders';
import { Pages } from './pages';
import type { PipeRecord } from './shared-pipe';
import { Shown } from './shown';
import type { StopFlag } from './stop-flag';
import { StreamText } from './stream-text';
import {
  encode,
  encodeContent,
  type Frames,
  type Header,
  type Json,
  type Message,
  makeHeader,
} from './wire';

export type Channel = 'shell' | 'control';

export interface Links {
  readonly key: string;
  readonly kernelInfo: Json;
  readonly stop: StopFlag;
  publish(frames: Frames): void;
  reply(channel: Channel, frames: Frames): void;
  /** Tells the thread that runs cells. */
  order(order: Order): void;
  /** Asks the thread that knows TypeScript. */
  ask(question: Question): void;
  /** Breaks off what that thread is doing, if it is a cell's synchronous code. */
  breakOff(): void;
  shutDown(): void;
  /** Milliseconds. @default Date.now */
  readonly now?: () => number;
}

interface Request {
  readonly channel: Channel;
  readonly message: Message;
}

interface Running extends Request {
  readonly id: number;
  /** In the brackets beside it. */
  readonly count: number;
  interrupts: number;
}

/** Time for requests already sent to be read, so that a failing cell aborts those behind it. */
const ARRIVAL_MS = 10;
const HINT_MS = 3000;
const HINT =
  'Stopping: the operation under way ends first. Interrupt again to leave the cell without it.\n';

const COMPILERS = ['is_complete_request', 'complete_request', 'inspect_request'];

export class Protocol {
  readonly #links: Links;
  readonly #queue: Request[] = [];
  readonly #questions = new Map<number, Request>();
  /** Headers of all cells: background work may print for any of them. */
  readonly #cells = new Map<number, Header>();
  readonly #history = new History();
  readonly #shown = new Shown();
  readonly #pages: Pages;
  readonly #text = new StreamText((name, owner, text) => {
    this.#shown.print(owner, name, text);
    this.#publish('stream', { name, text }, this.#cells.get(owner));
  });
  #running: Running | undefined;
  #count = 0;
  #lastId = 0;

  constructor(links: Links) {
    this.#links = links;
    this.#pages = new Pages(links.now ?? Date.now);
    this.#publish('status', { execution_state: 'starting' }, undefined);
  }

  receive(channel: Channel, message: Message): void {
    const request = { channel, message };
    const { msg_type, session } = message.header;
    this.#pages.heard(session);
    if (msg_type === 'execute_request') {
      this.#queue.push(request);
      this.#next();
      return;
    }
    this.#status('busy', message);
    if (COMPILERS.includes(msg_type)) {
      const id = ++this.#lastId;
      this.#questions.set(id, request);
      this.#links.ask({ id, msgType: msg_type, content: message.content });
      return;
    }
    const content = this.#answer(message);
    if (content !== undefined) this.#reply(request, content);
    this.#idle(message);
    if (msg_type === 'shutdown_request') this.#links.shutDown();
  }

  /** Something printed, shown or answered by the thread that runs cells. */
  told({ kind, owner, payload }: PipeRecord): void {
    if (kind !== 'message') {
      this.#text.add(kind, owner, payload);
      return;
    }
    const { msgType, content } = unpack(payload);
    this.#text.flush();
    if (msgType === 'reply') {
      if (owner === this.#running?.id) void this.#executed(this.#running, content);
    } else if (msgType === 'show_again') this.#showAgain(owner, JSON.parse(content.toString()));
    else {
      this.#shown.publish(owner, msgType, content);
      this.#publish(msgType, content, this.#cells.get(owner));
    }
  }

  /** Publishes under the cell that asks what another has shown. */
  #showAgain(owner: number, { count }: Json): void {
    const parent = this.#cells.get(owner);
    const found = this.#shown.of(typeof count === 'number' ? count : undefined, owner);
    if (typeof found === 'string') this.#publish('stream', { name: 'stderr', text: found }, parent);
    else for (const { msgType, content } of found) this.#publish(msgType, content, parent);
  }

  /** The thread that knows TypeScript has answered. */
  answered({ id, content }: Answer): void {
    const request = this.#questions.get(id);
    if (request === undefined) return;
    this.#questions.delete(id);
    this.#reply(request, content);
    this.#idle(request.message);
  }

  /** Stops the cell that runs; at the second time it is left, whatever its code does. */
  interrupt(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#links.stop.execution = running.id;
    const how = running.interrupts++ === 0 ? 'stop' : 'leave';
    this.#links.order({ kind: 'interrupt', id: running.id, how });
    if (how === 'leave') this.#links.breakOff();
    else setTimeout(() => this.#hint(running), HINT_MS).unref();
  }

  #hint(running: Running): void {
    if (this.#running !== running || running.interrupts > 1) return;
    this.#text.add('stderr', running.id, Buffer.from(HINT));
  }

  /** Starts the next cell unless one runs. */
  #next(): void {
    if (this.#running !== undefined) return;
    const request = this.#queue.shift();
    if (request === undefined) return;
    const { header, content } = request.message;
    const silent = content.silent === true;
    const code = String(content.code ?? '');
    const id = ++this.#lastId;
    if (!silent && content.store_history !== false) {
      this.#count++;
      this.#history.add(this.#count, code);
    }
    const count = this.#count;
    this.#running = { ...request, id, count, interrupts: 0 };
    this.#cells.set(id, header);
    this.#shown.begin(id, count);
    this.#status('busy', request.message);
    if (!silent) this.#publish('execute_input', { code, execution_count: count }, header);
    const unseen = silent ? [] : this.#pages.takeUnseen(header.session);
    if (unseen.length > 0) this.#note(header, unseen);
    this.#links.order({ kind: 'execute', id, code, count, silent });
  }

  /** Says which cells went on while perhaps no page was looking. */
  #note(header: Header, counts: readonly number[]): void {
    const cells = counts.map((count) => `[${count}]`).join(', ');
    const call = `outputs(${counts.at(-1)})`;
    const text = `Cell${counts.length === 1 ? '' : 's'} ${cells} went on while this page was not loaded; ${call} shows again what was shown.`;
    const data = { 'text/html': `<small>${text}</small>`, 'text/plain': text };
    this.#publish('display_data', { data, metadata: {}, transient: {} }, header);
  }

  async #executed(running: Running, json: Buffer): Promise<void> {
    const content: Json = JSON.parse(json.toString());
    this.#pages.ended(running.message.header.session, running.count);
    const stops = content.status === 'error' && running.message.content.stop_on_error !== false;
    const aborted = stops ? await this.#takeQueue() : [];
    this.#running = undefined;
    this.#reply(running, content);
    this.#status('idle', running.message);
    for (const request of aborted) {
      this.#status('busy', request.message);
      this.#reply(request, { status: 'aborted' });
      this.#status('idle', request.message);
    }
    this.#next();
  }

  /** Everything sent before the client could know of the failure: what comes later does run. */
  async #takeQueue(): Promise<Request[]> {
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS));
    return this.#queue.splice(0);
  }

  #answer({ header, content }: Message): Json | undefined {
    switch (header.msg_type) {
      case 'kernel_info_request':
        return this.#links.kernelInfo;
      case 'history_request':
        return this.#history.answer(content);
      case 'comm_info_request':
        return { status: 'ok', comms: {} };
      case 'comm_open': // no target is known here, which is answered by closing
        this.#publish('comm_close', { comm_id: content.comm_id, data: {} }, header);
        return undefined;
      case 'interrupt_request':
        this.interrupt();
        return { status: 'ok' };
      case 'shutdown_request':
        return { status: 'ok', restart: content.restart === true };
      default:
        return undefined;
    }
  }

  #status(execution_state: 'busy' | 'idle', { header }: Message): void {
    this.#publish('status', { execution_state }, header);
  }

  /** A page shows the last status it saw, and a cell may still be running. */
  #idle(message: Message): void {
    this.#status('idle', message);
    if (this.#running) this.#status('busy', this.#running.message);
  }

  #publish(msgType: string, content: Json | Buffer, parent: Header | undefined): void {
    const header = makeHeader(msgType, parent?.session ?? '');
    const topic = Buffer.from(`kernel.${msgType}`);
    const message = { identities: [topic], header, parent: parent ?? {}, metadata: {} };
    this.#links.publish(this.#encode(message, content));
  }

  #reply({ channel, message }: Request, content: Json | Buffer): void {
    const { identities, header: parent } = message;
    const header = makeHeader(parent.msg_type.replace(/_request$/, '_reply'), parent.session);
    const reply = { identities, header, parent, metadata: {} };
    this.#links.reply(channel, this.#encode(reply, content));
  }

  #encode(message: Omit<Message, 'content'>, content: Json | Buffer): Frames {
    const { key } = this.#links;
    if (Buffer.isBuffer(content)) return encodeContent(key, message, content);
    return encode(key, { ...message, content });
  }
}
