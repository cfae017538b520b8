/** Puts the kernel together and runs it until its notebook shuts it down. */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { createCellRunner } from './cell-runner';
import { kernelInfo } from './kernel-info';
import { offerNotebook } from './notebook-api';
import { Output } from './output';
import { Server } from './server';
import { Session } from './session';
import { installCompilerHost } from './typescript-host';
import { address, type Connection, type Json, type Message } from './wire';

/**
 * @param connectionFile the path that Jupyter gives as the only argument
 * @param parent process id of who started the kernel; it ends when that process is gone
 */
export async function main(connectionFile: string | undefined, parent: number): Promise<void> {
  if (connectionFile === undefined) throw new Error('Usage: launch.cjs <connection file>');
  const connection: Connection = JSON.parse(fs.readFileSync(connectionFile, 'utf8'));
  const root = path.resolve(__dirname, '..', '..');
  const folder = process.cwd(); // Jupyter starts a kernel in its notebook's folder
  const host = installCompilerHost(root, folder);
  const info = kernelInfo(host.typescript.version);

  const server = new Server(connection);
  const output = new Output((...message) => server.publish(...message));
  const session = new Session(createCellRunner(host, root, folder), output, root);
  offerNotebook(output, () => session.signal);
  process.on('unhandledRejection', (error) => session.reportStray(error));
  process.on('uncaughtException', (error) => session.reportStray(error));
  process.on('SIGINT', () => session.interrupt());

  await server.bind();
  await startControl(connection, info, parent, {
    interrupt: () => session.interrupt(),
    shutdown: () => {
      output.flush();
      server.close();
      setTimeout(() => process.exit(0), 50); // for what the sockets still hold
    },
  });
  server.publish('status', { execution_state: 'starting' }, {});
  await server.serve({
    execute: (request) => session.execute(request),
    answer: (request) => answerShell(request, session, info),
  });
}

function answerShell(request: Message, session: Session, info: Json): Json | undefined {
  switch (request.header.msg_type) {
    case 'kernel_info_request':
      return info;
    case 'shutdown_request': // old clients ask on this channel
      setTimeout(() => process.exit(0), 100);
      return { status: 'ok', restart: request.content.restart === true };
    default:
      return session.answer(request);
  }
}

interface ControlEvents {
  interrupt(): void;
  shutdown(): void;
}

/** Resolves when heartbeat and control answer, which they do from a thread of their own. */
function startControl(
  connection: Connection,
  kernelInfo: Json,
  parent: number,
  events: ControlEvents,
): Promise<void> {
  const workerData = {
    heartbeat: address(connection, connection.hb_port),
    control: address(connection, connection.control_port),
    key: connection.key,
    kernelInfo,
    interrupts: new SharedArrayBuffer(4),
    parent,
  };
  const worker = new Worker(path.join(__dirname, 'control-worker.cjs'), { workerData });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: { ready?: true; interrupt?: true; shutdown?: true }) => {
      if (message.ready) resolve();
      if (message.interrupt) events.interrupt();
      if (message.shutdown) events.shutdown();
    });
  });
}
