import assert from 'node:assert/strict';
import type { WeightShape } from '../../src/engine';
import { TEXT_KINDS, UNET, VAE } from '../../src/hub/model-kinds';
import { derivedText, derivedUnet, derivedVae } from '../../src/hub/original/configs';
import {
  detectFamily,
  type FamilyName,
  originalText,
  originalUnet,
  originalVae,
  textsOf,
} from '../../src/hub/original/family';
import type { Rule } from '../../src/hub/original/stored-as';
import type { TensorSource } from '../../src/hub/tensor-source';
import { familyJson } from '../support/families';

type Json = Readonly<Record<string, unknown>>;
const { models } = familyJson<{ models: Record<string, { config: Json }> }>('published.json');

/** Published configs of each family, by part. */
const FAMILIES: Readonly<
  Record<FamilyName, readonly [unet: string, vae: string, ...texts: string[]]>
> = {
  sd1: ['SD 1.5 UNet', 'SD 1.5 VAE', 'CLIP ViT-L text'],
  sd2: ['SD 2.1 UNet', 'SD 1.5 VAE', 'OpenCLIP ViT-H text'],
  sdxl: ['SDXL UNet', 'SDXL VAE', 'CLIP ViT-L text', 'OpenCLIP ViT-bigG text'],
  refiner: ['SDXL refiner UNet', 'SDXL VAE', 'OpenCLIP ViT-bigG text'],
};

const configOf = (name: string): Json => models[name]?.config ?? {};

/** A file with the names and shapes of the published one, and no numbers. */
function publishedFile(family: FamilyName): TensorSource {
  const entries = new Map<string, { dtype: 'F16'; shape: readonly number[] }>();
  const add = (weights: readonly WeightShape[], rule: Rule) => {
    for (const [weight, shape] of weights) {
      const { name, third, form } = rule(weight);
      const [first = 0, ...rest] = shape;
      const stored = third === undefined ? shape : [3 * first, ...rest];
      const turned = form === 'transposed' ? [...shape].reverse() : stored;
      entries.set(name, { dtype: 'F16', shape: turned });
    }
  };
  const [unet, vae, ...texts] = FAMILIES[family];
  const [unetConfig, vaeConfig] = [UNET.config(configOf(unet)), VAE.config(configOf(vae))];
  add(UNET.weights(unetConfig), originalUnet(unetConfig));
  add(VAE.weights(vaeConfig), originalVae(vaeConfig));
  textsOf(family).forEach((text, i) => {
    const kind = TEXT_KINDS[text.suffix];
    add(kind.weights(kind.config(configOf(texts[i] ?? ''))), originalText(text));
  });
  const none = async () => undefined;
  return {
    path: `${family}.safetensors`,
    entries,
    readBytes: none,
    region: () => undefined,
    close: none,
  };
}

/**
 * All that takes part in the computation: the config as it was understood, without the file it was read from, and without
 * the size of the pictures, which differs between models of the same shapes.
 */
const understood = ({
  json,
  sampleSize,
  ...config
}: {
  readonly json: Json;
  readonly sampleSize?: number;
}) => config;

describe('the configs of a published file', () => {
  for (const family of Object.keys(FAMILIES) as FamilyName[])
    it(`are told by its names and shapes: ${family}`, () => {
      const file = publishedFile(family);
      assert.equal(detectFamily(file), family);
      const [unet, vae, ...texts] = FAMILIES[family];
      assert.deepEqual(
        understood(UNET.config(derivedUnet(file, family))),
        understood(UNET.config(configOf(unet))),
      );
      assert.deepEqual(
        understood(VAE.config(derivedVae(file, family))),
        understood(VAE.config(configOf(vae))),
      );
      textsOf(family).forEach((text, i) => {
        const kind = TEXT_KINDS[text.suffix];
        assert.deepEqual(
          understood(kind.config(derivedText(file, text))),
          understood(kind.config(configOf(texts[i] ?? ''))),
        );
      });
    });

  it('leave out the last block of OpenCLIP’s encoder where Stable Diffusion 2.x does', () => {
    const file = publishedFile('sd2');
    const [text] = textsOf('sd2');
    assert.ok(text);
    const block = `${text.prefix}transformer.resblocks`;
    const entries = new Map(file.entries);
    for (const [name, entry] of file.entries)
      if (name.startsWith(`${block}.22.`)) entries.set(name.replace('.22.', '.23.'), entry);
    assert.equal(derivedText({ ...file, entries }, text).num_hidden_layers, 23);
    assert.equal(derivedUnet(file, 'sd2').sample_size, 96);
  });
});
