/** The protocol without sockets, and with a thread for cells that does as it is told. */
import assert from 'node:assert/strict';
import { type Order, pack, type Question } from '../../../kernels/typescript/orders';
import { type Channel, Protocol } from '../../../kernels/typescript/protocol';
import { StopFlag, stopMemory } from '../../../kernels/typescript/stop-flag';
import { decode, type Frames, type Json, makeHeader } from '../../../kernels/typescript/wire';

const read = (frames: Frames) =>
  decode(
    'key',
    frames.map((frame) => Buffer.from(frame)),
  );

function open() {
  const orders: Order[] = [];
  const questions: Question[] = [];
  const said: string[] = [];
  const events: string[] = [];
  const stop = new StopFlag(stopMemory());
  const clock = { now: 0, session: 'session' };
  /** `request: type what`, in the order of their sending. */
  const note = (where: string, frames: Frames) => {
    const { header, parent, content } = read(frames);
    const what = content.execution_state ?? content.status ?? content.text ?? content.code ?? '';
    said.push(`${parent.msg_id ?? '-'}: ${where}${header.msg_type} ${what}`.trimEnd());
  };
  const protocol = new Protocol({
    key: 'key',
    kernelInfo: { status: 'ok', banner: 'us' },
    stop,
    publish: (frames) => note('', frames),
    reply: (channel, frames) => note(`${channel} `, frames),
    order: (order) => orders.push(order),
    ask: (question) => questions.push(question),
    breakOff: () => events.push('break off'),
    shutDown: () => events.push('shut down'),
    now: () => clock.now,
  });
  said.length = 0;
  const receive = (id: string, type: string, content: Json = {}, channel: Channel = 'shell') =>
    protocol.receive(channel, {
      identities: [],
      header: { ...makeHeader(type, clock.session), msg_id: id },
      parent: {},
      metadata: {},
      content,
    });
  const send = (owner: number, type: string, content: Json) =>
    protocol.told({ kind: 'message', owner, payload: Buffer.from(pack(type, content)) });
  const print = (owner: number, text: string) =>
    protocol.told({ kind: 'stdout', owner, payload: Buffer.from(text) });
  const heard = () => said.splice(0);
  return { protocol, orders, questions, events, stop, clock, receive, send, print, heard };
}

const execute = { code: '1', silent: false, store_history: true };
const pause = () => new Promise((resolve) => setTimeout(resolve, 40));

describe('Protocol', () => {
  it('runs one cell after the other, each with its statuses, input, output and reply', () => {
    const { orders, receive, send, print, heard } = open();
    receive('a', 'execute_request', execute);
    receive('b', 'execute_request', { ...execute, code: '2' });
    assert.deepEqual(heard(), ['a: status busy', 'a: execute_input 1']);
    assert.deepEqual(orders, [{ kind: 'execute', id: 1, code: '1', count: 1, silent: false }]);
    print(1, 'text');
    send(1, 'display_data', {});
    send(1, 'reply', { status: 'ok' });
    assert.deepEqual(heard(), [
      'a: stream text',
      'a: display_data',
      'a: shell execute_reply ok',
      'a: status idle',
      'b: status busy',
      'b: execute_input 2',
    ]);
    print(1, 'later, of the first');
    send(2, 'reply', { status: 'ok' });
    assert.equal(heard()[0], 'a: stream later, of the first');
  });

  it('shows again what a cell showed while its page was not there, and says that it may', () => {
    const { receive, send, print, heard, clock } = open();
    receive('a', 'execute_request', execute);
    clock.now += 3_600_000;
    print(1, 'all night');
    send(1, 'reply', { status: 'ok' });
    heard();
    clock.session = 'page of the morning';
    receive('b', 'execute_request', execute);
    assert.deepEqual(heard(), ['b: status busy', 'b: execute_input 1', 'b: display_data']);
    send(2, 'show_again', { count: 1 });
    send(2, 'show_again', { count: 7 });
    send(2, 'reply', { status: 'ok' });
    assert.deepEqual(heard(), [
      'b: stream all night',
      'b: stream No output of cell [7] is kept; there is that of [1].',
      'b: shell execute_reply ok',
      'b: status idle',
    ]);
    receive('c', 'execute_request', execute);
    assert.deepEqual(heard(), ['c: status busy', 'c: execute_input 1'], 'said once');
  });

  it('counts neither silent cells nor those without history', () => {
    const { orders, receive, send, heard } = open();
    receive('a', 'execute_request', { ...execute, silent: true });
    assert.deepEqual(heard(), ['a: status busy']);
    send(1, 'reply', { status: 'ok' });
    receive('b', 'execute_request', { ...execute, store_history: false });
    send(2, 'reply', { status: 'ok' });
    receive('c', 'execute_request', execute);
    const counts = orders.map((order) => order.kind === 'execute' && order.count);
    assert.deepEqual(counts, [0, 0, 1]);
  });

  it('aborts what waits behind a failing cell, and not where the client goes on', async () => {
    const { orders, receive, send, heard } = open();
    for (const id of ['a', 'b']) receive(id, 'execute_request', execute);
    send(1, 'reply', { status: 'error' });
    receive('c', 'execute_request', execute); // sent before the failure was known
    heard();
    await pause();
    assert.deepEqual(
      heard().filter((line) => line.includes('reply')),
      [
        'a: shell execute_reply error',
        'b: shell execute_reply aborted',
        'c: shell execute_reply aborted',
      ],
    );
    receive('d', 'execute_request', { ...execute, stop_on_error: false });
    receive('e', 'execute_request', execute);
    send(2, 'reply', { status: 'error' });
    await pause();
    assert.equal(orders.length, 3);
  });

  it('answers while a cell runs, and leaves it shown as running', () => {
    const { questions, protocol, receive, heard } = open();
    receive('a', 'execute_request', execute);
    heard();
    receive('i', 'kernel_info_request', {}, 'control');
    assert.deepEqual(heard(), [
      'i: status busy',
      'i: control kernel_info_reply ok',
      'i: status idle',
      'a: status busy',
    ]);
    receive('q', 'complete_request', { code: 'x' });
    assert.deepEqual(questions, [{ id: 2, msgType: 'complete_request', content: { code: 'x' } }]);
    protocol.answered({ id: 2, content: { status: 'ok' } });
    assert.deepEqual(heard(), [
      'q: status busy',
      'q: shell complete_reply ok',
      'q: status idle',
      'a: status busy',
    ]);
  });

  it('stops the cell that runs, leaves it at the second time, and stops none between cells', () => {
    const { orders, events, stop, receive, send } = open();
    receive('x', 'interrupt_request', {}, 'control');
    assert.equal(stop.execution, 0);
    receive('a', 'execute_request', execute);
    receive('y', 'interrupt_request', {}, 'control');
    assert.equal(stop.execution, 1);
    assert.deepEqual(orders.at(-1), { kind: 'interrupt', id: 1, how: 'stop' });
    assert.deepEqual(events, []);
    receive('z', 'interrupt_request', {}, 'control');
    assert.deepEqual(orders.at(-1), { kind: 'interrupt', id: 1, how: 'leave' });
    assert.deepEqual(events, ['break off']);
    send(1, 'reply', { status: 'ok' });
  });

  it('closes a comm that is opened, says there are none, and shuts down from either channel', () => {
    const { events, receive, heard } = open();
    receive('a', 'comm_open', { comm_id: '1', target_name: 'jupyter.widget' });
    assert.deepEqual(heard(), ['a: status busy', 'a: comm_close', 'a: status idle']);
    receive('b', 'comm_info_request');
    assert.equal(heard()[1], 'b: shell comm_info_reply ok');
    for (const channel of ['shell', 'control'] as const) {
      receive('c', 'shutdown_request', { restart: true }, channel);
      assert.equal(heard()[1], `c: ${channel} shutdown_reply ok`);
    }
    assert.deepEqual(events, ['shut down', 'shut down']);
  });
});
