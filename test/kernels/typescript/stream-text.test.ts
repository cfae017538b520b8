import assert from 'node:assert/strict';
import { StreamText } from '../../../kernels/typescript/stream-text';

describe('StreamText', () => {
  const open = () => {
    const published: [string, number, string][] = [];
    const text = new StreamText((...all) => published.push(all));
    return { text, published };
  };

  it('joins what one stream prints, and parts it by stream and by owner', () => {
    const { text, published } = open();
    text.add('stdout', 1, Buffer.from('a'));
    text.add('stdout', 1, Buffer.from('b'));
    text.add('stderr', 1, Buffer.from('c'));
    text.add('stderr', 2, Buffer.from('d'));
    text.flush();
    assert.deepEqual(published, [
      ['stdout', 1, 'ab'],
      ['stderr', 1, 'c'],
      ['stderr', 2, 'd'],
    ]);
  });

  it('joins a character that was printed in two pieces, also over a flush', () => {
    const { text, published } = open();
    const euro = Buffer.from('€');
    text.add('stdout', 1, euro.subarray(0, 1));
    text.flush();
    text.add('stdout', 1, euro.subarray(1));
    text.flush();
    assert.deepEqual(published, [['stdout', 1, '€']]);
  });

  it('publishes 64 KB at once, and less after a moment', async () => {
    const { text, published } = open();
    text.add('stdout', 1, Buffer.alloc(65_535, 'x'));
    assert.equal(published.length, 0);
    text.add('stdout', 1, Buffer.from('yz'));
    assert.equal(published.length, 1);
    text.add('stdout', 1, Buffer.from('later'));
    while (published.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(published[1]?.[2], 'later');
  });
});
