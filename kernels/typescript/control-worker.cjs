/**
 * The sockets that must answer while a cell keeps the main thread busy: heartbeat and control.
 * Runs in a worker thread and is plain JavaScript, so that it is up before TypeScript is loaded.
 *
 * workerData: `{ heartbeat, control, key, kernelInfo, interrupts, parent }` (addresses, signing key,
 * kernel_info content, a SharedArrayBuffer counting interrupts, the process that started us).
 * Posts to the main thread: `{ ready: true }`, `{ interrupt: true }`, `{ shutdown: true }`.
 */
'use strict';

const { createHmac, randomUUID } = require('node:crypto');
const { parentPort, workerData } = require('node:worker_threads');
const zmq = require('zeromq');

const { heartbeat, control, key, kernelInfo, interrupts, parent } = workerData;
const DELIMITER = '<IDS|MSG>';
const GRACE_MS = 1500;

function sign(parts) {
  if (!key) return '';
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

function parse(frames) {
  const start = frames.findIndex((frame) => frame.toString() === DELIMITER);
  const parts = frames.slice(start + 2, start + 6);
  if (start < 0 || parts.length < 4 || sign(parts) !== frames[start + 1].toString())
    return undefined;
  const [header, , , content] = parts.map((part) => JSON.parse(part.toString()));
  return { identities: frames.slice(0, start), header, content };
}

function answer({ header, content }) {
  switch (header.msg_type) {
    case 'kernel_info_request':
      return kernelInfo;
    case 'interrupt_request':
      Atomics.add(new Int32Array(interrupts), 0, 1);
      parentPort.postMessage({ interrupt: true });
      process.kill(process.pid, 'SIGINT'); // stops a cell's synchronous code
      return { status: 'ok' };
    case 'shutdown_request':
      return { status: 'ok', restart: content.restart === true };
    default:
      return undefined;
  }
}

function reply(request, content) {
  const header = {
    msg_id: randomUUID(),
    session: request.header.session,
    username: request.header.username,
    date: new Date().toISOString(),
    msg_type: request.header.msg_type.replace(/_request$/, '_reply'),
    version: '5.4',
  };
  const parts = [header, request.header, {}, content].map((part) => JSON.stringify(part));
  return [...request.identities, DELIMITER, sign(parts), ...parts];
}

async function serve() {
  const beat = new zmq.Reply();
  const router = new zmq.Router();
  await Promise.all([beat.bind(heartbeat), router.bind(control)]);
  parentPort.postMessage({ ready: true });
  (async () => {
    for await (const frames of beat) await beat.send(frames);
  })();
  for await (const frames of router) {
    const request = parse(frames);
    const content = request && answer(request);
    if (content) await router.send(reply(request, content));
    if (request?.header.msg_type === 'shutdown_request') break;
  }
  for (const socket of [router, beat]) socket.close(); // open sockets crash a process that exits
  parentPort.postMessage({ shutdown: true });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS); // main is inside a native call
}

if (parent > 1) {
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); // nobody is left to serve
  }, 1000);
}
serve();
