/** The thread that holds all sockets, and answers while a cell keeps the other one busy. */
import fs from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import * as zmq from 'zeromq';
import { kernelInfo } from './kernel-info';
import type { Answer, Notice, Order, Question, Shared } from './orders';
import { Outbox } from './outbox';
import { type Channel, Protocol } from './protocol';
import { PipeReader } from './shared-pipe';
import { StopFlag } from './stop-flag';
import { address, type Connection, decode, type Message } from './wire';

const GRACE_MS = 1000; // then the process is killed: its other thread is inside a native call
const PARENT_MS = 1000;
const PAUSE_MS = 5; // while output goes on, so that the writer need not ring for every line
const TURN_RECORDS = 2000; // then the sockets have a turn

/** @param port - to the thread that runs cells */
export async function serve(
  port: MessagePort,
  shared: Shared & { readonly questions: MessagePort },
): Promise<void> {
  endWith(shared.parent);
  const connection: Connection = JSON.parse(fs.readFileSync(shared.connectionFile, 'utf8'));
  const sockets = openSockets();
  const outbox = new Outbox(sockets.iopub);
  await bind(sockets, connection);

  let isReady = false;
  const order = (message: Order) => port.postMessage(message);
  const protocol = new Protocol({
    key: connection.key,
    kernelInfo: kernelInfo(),
    stop: new StopFlag(shared.stop),
    order,
    ask: (question: Question) => shared.questions.postMessage(question),
    publish: (frames) => outbox.push(frames),
    reply: (channel, frames) => {
      if (!sockets[channel].closed) void sockets[channel].send(frames);
    },
    breakOff: () => {
      if (isReady) process.kill(process.pid, 'SIGINT'); // earlier, it would end the process
    },
    shutDown: () => void shutDown(),
  });
  const shutDown = async () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
    await outbox.close(GRACE_MS / 2);
    for (const socket of Object.values(sockets)) socket.close(); // open ones crash a process that exits
    order({ kind: 'shutdown' });
  };

  shared.questions.on('message', (answer: Answer) => protocol.answered(answer));
  const pump = new Pump(new PipeReader(shared.pipe), protocol, outbox);
  port.on('message', (notice: Notice) => {
    if (notice === 'ready') isReady = true;
    if (notice === 'interrupt') protocol.interrupt();
    pump.run();
  });
  pump.run();
  const echo = async () => {
    for await (const frames of sockets.heartbeat) await sockets.heartbeat.send(frames);
  };
  const receive = async (channel: Channel) => {
    for await (const frames of sockets[channel]) {
      const message = readMessage(connection.key, frames);
      if (message !== undefined) protocol.receive(channel, message);
    }
  };
  await Promise.all([echo(), receive('shell'), receive('control')]);
}

function openSockets() {
  return {
    // Replies are few; without a limit and without waiting, `send` never refuses one.
    shell: new zmq.Router({ sendTimeout: 0, sendHighWaterMark: 0 }),
    control: new zmq.Router({ sendTimeout: 0, sendHighWaterMark: 0 }),
    iopub: new zmq.Publisher({ sendTimeout: 0, noDrop: true }),
    stdin: new zmq.Router(),
    heartbeat: new zmq.Reply(),
  };
}

async function bind(sockets: ReturnType<typeof openSockets>, connection: Connection) {
  const { hb_port, control_port, shell_port, iopub_port, stdin_port } = connection;
  await Promise.all([
    sockets.heartbeat.bind(address(connection, hb_port)),
    sockets.control.bind(address(connection, control_port)),
    sockets.shell.bind(address(connection, shell_port)),
    sockets.iopub.bind(address(connection, iopub_port)),
    sockets.stdin.bind(address(connection, stdin_port)),
  ]);
}

/** What is no message of ours is noted in the log of who started the kernel, and left. */
function readMessage(key: string, frames: Buffer[]): Message | undefined {
  try {
    return decode(key, frames);
  } catch (error) {
    fs.writeSync(2, `${(error as Error).message}\n`);
    return undefined;
  }
}

/** Moves what comes through the pipe on to the protocol, as long as there is room outside. */
class Pump {
  readonly #reader: PipeReader;
  readonly #protocol: Protocol;
  readonly #outbox: Outbox;
  #timer: NodeJS.Timeout | undefined;

  constructor(reader: PipeReader, protocol: Protocol, outbox: Outbox) {
    this.#reader = reader;
    this.#protocol = protocol;
    this.#outbox = outbox;
  }

  run(): void {
    clearTimeout(this.#timer);
    if (this.#drain() > 0 || this.#outbox.isFull) {
      this.#timer = setTimeout(() => this.run(), PAUSE_MS);
      return;
    }
    this.#reader.listen();
    if (this.#drain() > 0) this.#timer = setTimeout(() => this.run(), PAUSE_MS);
  }

  #drain(): number {
    for (let count = 0; ; count++) {
      if (count >= TURN_RECORDS || this.#outbox.isFull) return count;
      const record = this.#reader.read();
      if (record === undefined) return count;
      this.#protocol.told(record);
    }
  }
}

/** When whoever started the kernel is gone, nobody is left to serve. */
function endWith(parent: number): void {
  if (parent <= 1) return;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, PARENT_MS);
}
