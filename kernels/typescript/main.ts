/** Puts together the thread that runs cells; the sockets are another's. */
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { createCellRunner } from './cell-runner';
import { Executions } from './execution';
import { CHECK } from './loop-checks';
import { offerNotebook } from './notebook-api';
import type { Notice, Order, Shared } from './orders';
import { Output } from './output';
import { Session } from './session';
import { PipeWriter } from './shared-pipe';
import { StopFlag } from './stop-flag';
import { installCompilerHost } from './typescript-host';
import { stopWaits } from './waits';

/** @param sockets - the thread that asks for what is to be done */
export function main(sockets: Worker, shared: Shared): void {
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

  const host = installCompilerHost(root, folder);
  const session = new Session(createCellRunner(host, root, folder), output, executions, root);
  offerNotebook(output, executions);
  stopWaits(() => executions.here);
  Object.defineProperty(globalThis, CHECK, { value: executions.checkLoop });
  process.on('unhandledRejection', (error) => session.reportStray(error));
  process.on('uncaughtException', (error) => session.reportStray(error));
  // From a terminal. What the sockets' thread sends comes after it has told of the interrupt itself.
  process.on('SIGINT', () => {
    if (executions.current?.isStopped === false) notify('interrupt');
  });
  sockets.on('message', (order: Order) => obey(order, session, output));
  notify('ready');
}

function obey(order: Order, session: Session, output: Output): void {
  const { kind } = order;
  if (kind === 'shutdown') process.exit(0);
  else if (kind === 'interrupt') void session.interrupt(order.id, order.how);
  else if (kind === 'ask') output.reply(order.id, session.answer(order.msgType, order.content));
  else void session.execute(order).then((reply) => output.reply(order.id, reply));
}

/** Without its sockets a kernel is of no use. */
function fail(error: Error): void {
  process.removeAllListeners('uncaughtException');
  throw error;
}
