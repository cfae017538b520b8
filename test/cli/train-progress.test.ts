import assert from 'node:assert/strict';
import { TrainProgress } from '../../src/cli/train-progress';

const record = (step: number) => ({
  step,
  maxTrainSteps: 100,
  loss: Math.LN2,
  implicitAcc: 0.625,
  pairsPerSecond: Math.PI,
  secondsLeft: 3 * (100 - step),
  learningRate: 2.048e-5,
});
const clear = '\r\x1b[2K';

describe('TrainProgress', () => {
  it('tells step, loss, implicit accuracy, rate, time left and learning rate on one line', () => {
    const written: string[] = [];
    const progress = new TrainProgress({ isTTY: true, write: (text) => written.push(text) });
    progress.update(record(40));
    const line =
      'step 40/100 · loss 0.6931 · implicit accuracy 63 % · 3.14 pairs/s · 3:00 left · lr 2.05e-5';
    assert.deepEqual(written, [`${clear}${line}`]);
    progress.update(record(41)); // too soon
    progress.note('saved out/checkpoint-41');
    assert.deepEqual(written.slice(1), [`${clear}saved out/checkpoint-41\n${line}`]);
    progress.end();
    assert.equal(written.at(-1), '\n');
    progress.note('resume with --resume_from_checkpoint latest');
    assert.equal(written.at(-1), 'resume with --resume_from_checkpoint latest\n');
  });

  it('leaves out the accuracy of a loss that has none', () => {
    const written: string[] = [];
    const { implicitAcc: _, ...sft } = record(100);
    new TrainProgress({ write: (text) => written.push(text) }).update(sft);
    assert.deepEqual(written, [
      'step 100/100 · loss 0.6931 · 3.14 pairs/s · in 0 s · lr 2.05e-5\n',
    ]);
  });

  it('keeps to the width of the terminal, where a wrapped line would pile up', () => {
    const written: string[] = [];
    const target = { isTTY: true, columns: 30, write: (text: string) => written.push(text) };
    new TrainProgress(target).update(record(1));
    assert.equal(written[0], `${clear}step 1/100 · loss 0.6931 · i…`);
    assert.equal((written[0] ?? '').length - clear.length, 29);
  });

  it('writes whole lines to a file, the first and the last', () => {
    const written: string[] = [];
    const progress = new TrainProgress({ write: (text) => written.push(text) });
    for (let step = 1; step <= 100; step++) progress.update(record(step));
    progress.note('saved');
    assert.equal(written.length, 3);
    for (const text of written) assert.match(text, /^step [^\r]+\n$|^saved\n$/);
    assert.match(written[1] ?? '', /^step 100\/100 /);
  });
});
