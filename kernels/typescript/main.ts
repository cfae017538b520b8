/** Puts together the thread that runs cells; the sockets are another's. */
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { createCellRunner } from './cell-runner';
import { loadEarly } from './early-packages';
import { Executions } from './execution';
import { Language } from './language-client';
import { CHECK } from './loop-checks';
import { offerNotebook } from './notebook-api';
import type { Notice, Order, Shared } from './orders';
import { Output } from './output';
import { Session } from './session';
import { PipeWriter } from './shared-pipe';
import { StopFlag } from './stop-flag';
import { stopWaits } from './waits';

/** The threads beside this one. */
interface Threads {
  /** Asks for what is to be done. */
  readonly sockets: Worker;
  /** Knows TypeScript. */
  readonly language: Worker;
}

export function main({ sockets, language: compiler }: Threads, shared: Shared): void {
  const root = path.resolve(__dirname, '..', '..');
  const folder = process.cwd(); // Jupyter starts a kernel in its notebook's folder
  const notify = (notice: Notice) => sockets.postMessage(notice);
  const executions = new Executions(new StopFlag(shared.stop));
  const pipe = new PipeWriter(shared.pipe, {
    ring: () => notify('ring'),
    givesUp: () => executions.current?.isStopped === true,
  });
  const output = new Output(pipe, executions);
  sockets.once('error', fail);

  const language = new Language(compiler);
  const notice = (text: string) => output.note(text);
  const runner = createCellRunner({ language, root, folder, notice });
  const session = new Session(runner, output, executions, root);
  offerNotebook(output, executions);
  stopWaits(() => executions.here);
  const turn = () => {
    runner.turn();
    executions.checkLoop();
  };
  Object.defineProperty(globalThis, CHECK, { value: turn });
  process.on('unhandledRejection', (error, promise) => session.reportStray(error, promise));
  process.on('uncaughtException', (error) => session.reportStray(error));
  // From a terminal. What the sockets' thread sends comes after it has told of the interrupt itself.
  process.on('SIGINT', () => {
    if (executions.current?.isStopped === false) notify('interrupt');
  });
  sockets.on('message', (order: Order) => obey(order, session, output, language));
  notify('ready');
  setImmediate(loadEarly);
}

function obey(order: Order, session: Session, output: Output, language: Language): void {
  const { kind } = order;
  if (kind === 'shutdown') void language.close().finally(() => process.exit(0));
  else if (kind === 'interrupt') void session.interrupt(order.id, order.how);
  else void session.execute(order).then((reply) => output.reply(order.id, reply));
}

/** Without its sockets a kernel is of no use. */
function fail(error: Error): void {
  process.removeAllListeners('uncaughtException');
  throw error;
}
