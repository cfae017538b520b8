import assert from 'node:assert/strict';
import {
  address,
  type Connection,
  decode,
  encode,
  makeHeader,
} from '../../../kernels/typescript/wire';

const connection: Connection = {
  transport: 'tcp',
  ip: '127.0.0.1',
  ...{ shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 },
  key: 'secret',
};
const message = {
  identities: [Buffer.from([0, 255])],
  header: makeHeader('execute_request', 'session'),
  parent: {},
  metadata: { a: 1 },
  content: { code: 'π = 3' },
};
const frames = (key: string) => encode(key, message).map((part) => Buffer.from(part));

describe('encode and decode', () => {
  it('give back every part of a message', () => {
    assert.deepEqual(decode('secret', frames('secret')), message);
    assert.deepEqual(decode('', frames('')), message);
  });

  it('sign the four parts as Jupyter does', () => {
    // From Python: hmac.new(b'secret', b'{}{}{}{}', hashlib.sha256).hexdigest()
    const empty = { ...message, header: {}, parent: {}, metadata: {}, content: {} };
    const [, , signature] = encode('secret', empty as unknown as typeof message);
    const expected = '34982f0bfec60e7b933ffde06c1ecab0fba073717a95ab943d1dd06f82c2d5e4';
    assert.equal(signature, expected);
  });

  it('refuse a message that was changed, or signed with another key', () => {
    const changed = frames('secret');
    changed[changed.length - 1] = Buffer.from('{"code":"other"}');
    assert.throws(() => decode('secret', changed), /signature/);
    assert.throws(() => decode('secret', frames('guess')), /signature/);
    assert.throws(() => decode('secret', frames('')), /signature/);
  });

  it('refuse what is no message', () => {
    assert.throws(() => decode('secret', [Buffer.from('x')]), /needs 6 frames; these are 1/);
  });
});

describe('address', () => {
  it('is a port of a host, or a file', () => {
    assert.equal(address(connection, 7), 'tcp://127.0.0.1:7');
    assert.equal(address({ ...connection, transport: 'ipc', ip: '/tmp/k' }, 7), 'ipc:///tmp/k-7');
  });
});
