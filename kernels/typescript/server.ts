/** The sockets of the main thread: requests come in on shell, everything shown goes out on iopub. */
import * as zmq from 'zeromq';
import {
  address,
  type Connection,
  decode,
  encode,
  type Header,
  type Json,
  type Message,
  makeHeader,
} from './wire';

/** What the server needs to know of the session behind it. */
export interface Handler {
  execute(request: Message): Promise<Json>;
  answer(request: Message): Json | undefined;
}

/** Time for requests already sent to be read, so that a failing cell aborts those behind it. */
const ARRIVAL_MS = 10;

export class Server {
  readonly #connection: Connection;
  readonly #shell = new zmq.Router({ sendTimeout: 0, sendHighWaterMark: 0 });
  readonly #stdin = new zmq.Router();
  // Without a limit and without waiting, `send` is synchronous and never refuses: output floods
  // neither fail nor lose lines. With the defaults the 513th message of one stretch throws EBUSY.
  readonly #iopub = new zmq.Publisher({ sendTimeout: 0, sendHighWaterMark: 0 });
  readonly #queue: Message[] = [];
  #running: Header | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async bind(): Promise<void> {
    const { shell_port, iopub_port, stdin_port } = this.#connection;
    await Promise.all([
      this.#shell.bind(address(this.#connection, shell_port)),
      this.#iopub.bind(address(this.#connection, iopub_port)),
      this.#stdin.bind(address(this.#connection, stdin_port)),
    ]);
  }

  publish(msgType: string, content: Json, parent: Partial<Header>): void {
    const header = makeHeader(msgType, parent.session ?? '');
    const topic = Buffer.from(`kernel.${msgType}`);
    const message = { identities: [topic], header, parent, metadata: {}, content };
    void this.#iopub.send(encode(this.#connection.key, message));
  }

  /** Serves until the sockets close. Questions are answered even while a cell awaits. */
  async serve(handler: Handler): Promise<void> {
    for await (const frames of this.#shell) {
      const request = decode(this.#connection.key, frames);
      if (request.header.msg_type === 'execute_request') {
        this.#queue.push(request);
        if (this.#running === undefined) void this.#runQueue(handler);
      } else {
        await this.#answer(request, handler);
      }
    }
  }

  close(): void {
    for (const socket of [this.#shell, this.#stdin, this.#iopub]) socket.close();
  }

  async #runQueue(handler: Handler): Promise<void> {
    try {
      for (let request = this.#queue.shift(); request; request = this.#queue.shift()) {
        this.#running = request.header;
        await this.#execute(request, handler);
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #execute(request: Message, handler: Handler): Promise<void> {
    this.publish('status', { execution_state: 'busy' }, request.header);
    const content = await handler.execute(request);
    const aborted = isStopping(request, content) ? await this.#takeQueue() : [];
    await this.#reply(request, content);
    this.publish('status', { execution_state: 'idle' }, request.header);
    for (const behind of aborted) await this.#abort(behind);
  }

  /** Everything sent before the client could know of the failure: what comes later does run. */
  async #takeQueue(): Promise<Message[]> {
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS));
    return this.#queue.splice(0);
  }

  async #abort(request: Message): Promise<void> {
    this.publish('status', { execution_state: 'busy' }, request.header);
    await this.#reply(request, { status: 'aborted' });
    this.publish('status', { execution_state: 'idle' }, request.header);
  }

  async #answer(request: Message, handler: Handler): Promise<void> {
    this.publish('status', { execution_state: 'busy' }, request.header);
    const content = handler.answer(request);
    if (content !== undefined) await this.#reply(request, content);
    this.publish('status', { execution_state: 'idle' }, request.header);
    // A page shows the last status it saw, and a cell is still running.
    if (this.#running) this.publish('status', { execution_state: 'busy' }, this.#running);
  }

  async #reply({ identities, header: parent }: Message, content: Json): Promise<void> {
    const type = parent.msg_type.replace(/_request$/, '_reply');
    const header = makeHeader(type, parent.session);
    const message = { identities, header, parent, metadata: {}, content };
    await this.#shell.send(encode(this.#connection.key, message));
  }
}

function isStopping(request: Message, reply: Json): boolean {
  return reply.status === 'error' && request.content.stop_on_error !== false;
}
