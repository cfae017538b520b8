/** JupyterLab in a browser, in short: `npm run test:lab` has the rest. */
import assert from 'node:assert/strict';
import { describeInLab } from '../lab/describe-in-lab';

const CELL = `import { display, plot, tensor } from '../src';
await display(plot({ data: [{ type: 'scatter', name: 'curve', x: [0, 1, 2], y: [1, 3, 2] }] }));
tensor([1, 2, 3, 6], [2, 2])`;

describeInLab('npm run lab', (lab) => {
  it('shows a tensor and a figure in the page', async () => {
    const notebook = await lab.open(lab.write('short.ipynb', [CELL]));
    const text = await notebook.run(0);
    assert.match(text, /Tensor \[2, 2\] float32.*mean ?3max ?6/s);
    const drawing = await notebook.drawn(0);
    assert.equal(await drawing.locator('.scatterlayer .trace').count(), 1);
    await notebook.screenshot('short');
  });
});
