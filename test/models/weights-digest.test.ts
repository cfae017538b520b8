import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline } from '../../src/hub';
import { weightsDigest, withLora } from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { modelHash } from '../../src/scoring/evaluation/models';

const TINY = join(__dirname, '../fixtures/pipelines/tiny-sd');

describe('weightsDigest', () => {
  it('is the same for the same weights, and another where one of an adapter has changed', async () => {
    const pipeline = await loadPipeline(TINY);
    const before = tensorCount();
    const plain = weightsDigest(pipeline.unet.p);
    assert.equal(weightsDigest(pipeline.unet.p), plain);
    const lora = withLora(pipeline.unet, { rank: 2, generator: new TorchGenerator(0) });
    const adapted = { ...pipeline, unet: lora.model };
    const [begun, hash] = [weightsDigest(lora.model.p), modelHash(adapted)];
    assert.notEqual(begun, plain);
    const name = lora.adapter.names.find((one) => one.includes('lora_B')) ?? '';
    lora.adapter.write(name, lora.adapter.read(name).fill(1));
    assert.notEqual(weightsDigest(lora.model.p), begun);
    assert.notEqual(modelHash(adapted), hash, 'its pictures are another model’s');
    assert.equal(weightsDigest(pipeline.unet.p), plain);
    lora.adapter.dispose();
    assert.equal(tensorCount(), before);
    disposePipeline(pipeline);
  });
});
