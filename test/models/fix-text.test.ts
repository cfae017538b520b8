import assert from 'node:assert/strict';
import { fixText } from '../../src/models/fix-text';
import { jsonFixture } from '../support/fixtures';

const { cases } = jsonFixture<{ cases: readonly (readonly [string, string])[] }>(
  'tokenizer',
  'fix-text.json',
);

describe('fixText', () => {
  for (const [text, fixed] of cases)
    it(`makes of ${JSON.stringify(text)} what ftfy does`, () => {
      assert.equal(fixText(text), fixed);
    });
});
