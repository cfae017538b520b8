/** Drives a kernel from Node, without Jupyter: starts it, runs cells, receives what they show. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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

export interface KernelOptions {
  /** The folder whose notebook is run. @default the current one */
  readonly folder?: string;
  /** Added to the environment of the kernel's process. */
  readonly env?: { readonly [name: string]: string };
}

export interface ExecuteOptions {
  /** Called for each message the cell publishes, in order. */
  readonly onMessage?: (msgType: string, content: Json) => void;
  /** @default true */
  readonly stopOnError?: boolean;
}

export type KernelClient = Awaited<ReturnType<typeof startKernel>>;

const START_LIMIT_MS = 180_000;
const SHUTDOWN_LIMIT_MS = 2000;

/**
 * Starts the kernel of this folder and waits until it answers.
 * @throws Error with the end of the kernel's own error output when it does not start.
 */
export async function startKernel({ folder = process.cwd(), env = {} }: KernelOptions = {}) {
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'dpo-kernel-'));
  const connection = makeConnection(temporary);
  const child = launch(connection, temporary, folder, env);
  const session = randomUUID();
  const shell = new zmq.Dealer({ linger: 0, sendTimeout: 0 });
  const control = new zmq.Dealer({ linger: 0, sendTimeout: 0 });
  const iopub = new zmq.Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  const heart = new zmq.Request({ linger: 0 });
  shell.connect(address(connection, connection.shell_port));
  control.connect(address(connection, connection.control_port));
  iopub.connect(address(connection, connection.iopub_port));
  heart.connect(address(connection, connection.hb_port));
  iopub.subscribe();

  const requests = new Requests();
  void receive(shell, connection.key, (message) => requests.replied(message));
  void receive(control, connection.key, (message) => requests.replied(message));
  void receive(iopub, connection.key, (message) => requests.published(message));
  const died = once(child.process, 'exit').then(([code]: (number | null)[]) => {
    requests.fail(new KernelDied(child.lastWords()));
    return code ?? 'killed';
  });

  const send = async (socket: zmq.Dealer, header: Header, content: Json) => {
    const message = { identities: [], header, parent: {}, metadata: {}, content };
    await socket.send(encode(connection.key, message));
  };
  const ask = async (socket: zmq.Dealer, msgType: string, content: Json, options = {}) => {
    const header = makeHeader(msgType, session);
    const answer = requests.wait(header.msg_id, options); // it may come before `send` has returned
    const [reply] = await Promise.all([answer, send(socket, header, content)]);
    return reply;
  };
  /** Asks without waiting for the answer. */
  const tell = (socket: zmq.Dealer, msgType: string, content: Json) =>
    send(socket, makeHeader(msgType, session), content);

  const close = async () => {
    for (const socket of [shell, control, iopub, heart]) socket.close();
    if (child.process.exitCode === null) child.process.kill('SIGKILL');
    await died;
    fs.rmSync(temporary, { recursive: true, force: true });
  };

  let ending: Promise<void> | undefined;
  const shutdown = async () => {
    const limit = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_LIMIT_MS).unref());
    if (child.process.exitCode === null)
      await tell(control, 'shutdown_request', { restart: false });
    await Promise.race([died, limit]);
    await close();
  };

  try {
    await requests.untilHeard(() => tell(shell, 'kernel_info_request', {}), START_LIMIT_MS);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    /** Process id of the kernel. */
    pid: child.process.pid ?? 0,
    /** How its process ended, once it has. */
    ended: died,
    /** Runs one cell; resolves with the content of the reply once everything shown has arrived. */
    execute: (code: string, { onMessage, stopOnError = true }: ExecuteOptions = {}) => {
      const content = { code, silent: false, store_history: true, stop_on_error: stopOnError };
      const request = { ...content, user_expressions: {}, allow_stdin: false };
      return ask(shell, 'execute_request', request, { onMessage });
    },
    /** Any other request of Jupyter's shell channel. */
    request: (msgType: string, content: Json = {}) => ask(shell, msgType, content),
    /** A request of the control channel, which is answered whatever the kernel is doing. */
    control: (msgType: string, content: Json = {}) => ask(control, msgType, content),
    interrupt: () => tell(control, 'interrupt_request', {}),
    /** Resolves when the kernel's heart has beaten. */
    ping: async () => {
      await heart.send('ping');
      await heart.receive();
    },
    /** Asks the kernel to end, and kills it after two seconds. */
    shutdown: () => {
      ending ??= shutdown();
      return ending;
    },
  };
}

/** The kernel's process ended while it was needed. */
export class KernelDied extends Error {
  override name = 'KernelDied' as const;
  constructor(lastWords: string) {
    super(`The kernel's process ended. ${lastWords || 'It said nothing.'}`);
  }
}

function makeConnection(folder: string): Connection {
  const names = ['shell_port', 'iopub_port', 'stdin_port', 'control_port', 'hb_port'] as const;
  const ports = Object.fromEntries(names.map((name, i) => [name, i + 1]));
  // Sockets as files in a private folder: no free ports to find, nobody else can connect.
  const ip = path.join(folder, 'socket');
  return { transport: 'ipc', ip, key: randomUUID(), ...ports } as Connection;
}

function launch(connection: Connection, temporary: string, folder: string, env: Json) {
  const file = path.join(temporary, 'connection.json');
  fs.writeFileSync(file, JSON.stringify({ ...connection, signature_scheme: 'hmac-sha256' }));
  const specification = JSON.parse(fs.readFileSync(path.join(__dirname, 'kernel.json'), 'utf8'));
  const [, ...args]: string[] = specification.argv.map((arg: string) =>
    arg.replace('{resource_dir}', __dirname).replace('{connection_file}', file),
  );
  const process_: ChildProcess = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...specification.env, ...env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C in the terminal is for us; we then end the kernel in good order
  });
  let said = '';
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  };
  process_.stdout?.on('data', listen);
  process_.stderr?.on('data', listen);
  return { process: process_, lastWords: () => said.trim() };
}

async function receive(
  socket: zmq.Dealer | zmq.Subscriber,
  key: string,
  use: (message: Message) => void,
): Promise<void> {
  for await (const frames of socket) use(decode(key, frames));
}

interface Pending {
  reply?: Json;
  isIdle: boolean;
  readonly onMessage: ((msgType: string, content: Json) => void) | undefined;
  readonly resolve: (content: Json) => void;
  readonly reject: (error: Error) => void;
}

/** Requests under way: one is answered when its reply and its `idle` have both come. */
class Requests {
  readonly #pending = new Map<string, Pending>();
  #failure: Error | undefined;
  #heard: (() => void) | undefined;

  wait(id: string, { onMessage }: Pick<ExecuteOptions, 'onMessage'>): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure);
      else this.#pending.set(id, { isIdle: false, onMessage, resolve, reject });
    });
  }

  /** Repeats `knock` until something is published: subscribing takes an unknown moment. */
  async untilHeard(knock: () => Promise<unknown>, limitMs: number): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#heard = resolve;
    });
    const end = Date.now() + limitMs;
    for (let isHeard = false; !isHeard; ) {
      if (this.#failure) throw this.#failure;
      if (Date.now() > end) throw new Error(`The kernel did not answer in ${limitMs / 1000} s.`);
      await knock();
      const pause = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200));
      isHeard = await Promise.race([heard.then(() => true), pause]);
    }
  }

  replied({ parent, content }: Message): void {
    const pending = this.#pending.get(parent.msg_id ?? '');
    if (pending === undefined) return;
    pending.reply = content;
    this.#settle(parent.msg_id ?? '', pending);
  }

  published({ header, parent, content }: Message): void {
    if (parent.msg_id !== undefined) this.#heard?.();
    const pending = this.#pending.get(parent.msg_id ?? '');
    if (pending === undefined) return;
    if (header.msg_type !== 'status') pending.onMessage?.(header.msg_type, content);
    else if (content.execution_state === 'idle') pending.isIdle = true;
    this.#settle(parent.msg_id ?? '', pending);
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #settle(id: string, { reply, isIdle, resolve }: Pending): void {
    if (reply === undefined || !isIdle) return;
    this.#pending.delete(id);
    resolve(reply);
  }
}
