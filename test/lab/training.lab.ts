/** Training that is watched, left, stopped and found again, from more than one page. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeInLab } from './describe-in-lab';
import type { NotebookPage } from './notebook-page';

const IMPORT = `import { existsSync } from 'node:fs';
import { attach, dashboard, runs, train, type TrainRequest, WORLD_FOLDER } from '../src';`;
const OPTIONS = `const options = {
  pretrainedModelNameOrPath: \`\${WORLD_FOLDER}/base\`, datasetName: \`\${WORLD_FOLDER}/pairs\`,
  resolution: 32, noHflip: true, proportionEmptyPrompts: 0, trainBatchSize: 2, maxTrainSteps: 100_000,
  learningRate: 1e-5, betaDpo: 1000, mixedPrecision: 'no', seed: 0, reportTo: 'none',
} satisfies TrainRequest;`;
/** Trains until something holds, however fast or slow the machine is. */
const trainUntil = (holds: string, outputDir: string) =>
  `for await (const { step } of dashboard(train({ ...options, outputDir: '../runs/${outputDir}' }))) {
  if (${holds}) break;
}`;
const STEP = /step (\d+) of 100000/;

describeInLab('training in JupyterLab', (lab) => {
  let trains: NotebookPage;
  let follows: NotebookPage;
  const make = (name: string) => writeFileSync(join(lab.folder, 'notebooks', name), '');
  const stepOf = async (page: NotebookPage, i: number, beyond = 0): Promise<number> => {
    for (;;) {
      const [, step] = await page.shows(i, STEP);
      if (Number(step) > beyond) return Number(step);
    }
  };

  it('shows the run while it goes on', async () => {
    const last = "const last = await attach('left');\nlast.state";
    const cells = [IMPORT, OPTIONS, trainUntil("existsSync('enough')", 'left'), last, 'outputs(3)'];
    trains = await lab.open(lab.write('trains.ipynb', cells));
    for (const i of [0, 1]) await trains.run(i);
    await trains.start(2);
    const step = await stepOf(trains, 2, 1);
    assert.ok((await stepOf(trains, 2, step)) > step);
    await trains.outputs(2).locator('svg, img').first().waitFor();
    await trains.screenshot('dashboard');
  });

  it('goes on while its page is loaded anew, which has what was saved', async () => {
    const seen = await stepOf(trains, 2);
    await trains.save();
    await trains.reload();
    await trains.kernelIs('Busy');
    assert.ok((await stepOf(trains, 2)) >= seen);
    await trains.screenshot('reloaded');
  });

  it('is followed from a second notebook by attach, live', async () => {
    const finished = `for await (const { step } of train({ ...options, maxTrainSteps: 3, outputDir: '../runs/short' }));
await attach('short')`;
    const cells = [IMPORT, OPTIONS, "await attach('left')", 'await runs()', finished];
    follows = await lab.open(lab.write('follows.ipynb', cells));
    for (const i of [0, 1]) await follows.run(i);
    await follows.start(2);
    const step = await stepOf(follows, 2, await stepOf(trains, 2));
    assert.ok((await stepOf(follows, 2, step)) > step);
    await follows.outputs(2).locator('svg, img').first().waitFor();
    await follows.screenshot('attached');
  });

  it('is seen to its end by both, none of its steps missing', async () => {
    make('enough');
    const [, step = ''] = /left: interrupted, step (\d+) of/.exec(await follows.ended(2)) ?? [];
    assert.equal(await follows.figures.count(), 1, 'the curves are there once');
    await follows.drawn(0);
    await follows.screenshot('attached-end');
    await trains.kernelIs('Idle');
    const last = await trains.run(3);
    assert.match(last, new RegExp(`left: interrupted, step ${step} of .*To go on from there`, 's'));
    await trains.screenshot('reloaded-end');
    assert.match(await trains.run(4), new RegExp(`step ${step} of 100000`), 'what the page missed');
    await trains.screenshot('shown-again');
  });

  it('is in the list of runs, and a finished one is drawn once', async () => {
    assert.match(await follows.run(3), /left.*interrupted/s);
    assert.match(await follows.run(4), /short: finished, step 3 of 3/);
    assert.equal(await follows.codeCells.nth(4).locator('.jp-RenderedPlotly').count(), 1);
    await follows.screenshot('attached-finished');
  });

  it('stops at ■ as Interrupted, and the next cell goes on from there', async () => {
    const on = trainUntil('step > (first ||= step)', 'stopped');
    const cells = [IMPORT, OPTIONS, trainUntil('false', 'stopped'), `let first = 0;\n${on}\nfirst`];
    const stopped = await lab.open(lab.write('stopped.ipynb', cells));
    for (const i of [0, 1]) await stopped.run(i);
    await stopped.start(2);
    await stepOf(stopped, 2, 2);
    await stopped.interrupt();
    await stopped.shows(2, /Interrupted/);
    const text = await stopped.run(3);
    const [, step] = STEP.exec(await stopped.text(2)) ?? [];
    assert.match(text, new RegExp(`^${Number(step) + 1}$`, 'm'));
    await stopped.screenshot('stopped');
  });
});
