// A tokenizer folder, in both layouts: tokenizer.json (transformers 5), or vocab.json + merges.txt (transformers 4).

import { join } from 'node:path';
import { writeTextAtomically } from '../hub/atomic';
import { CheckpointError } from '../hub/checkpoint-error';
import {
  isJsonObject,
  type JsonObject,
  readJson,
  readJsonIfThere,
  readText,
  writeJson,
} from '../hub/json-file';
import { type AddedToken, ClipTokenizer, type TokenizerDefinition } from './tokenizer';
import type { Merge } from './tokenizer-bpe';
import { tokenizerJson } from './tokenizer-json';

const END = '<|endoftext|>';
const ROLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const;
const DEFAULTS = { bos_token: '<|startoftext|>', eos_token: END, unk_token: END, pad_token: END };
const DEFAULT_LENGTH = 77; // CLIP's, for a folder without a config

/**
 * Reads a CLIP tokenizer folder.
 * @throws CheckpointError naming the file and what is wrong with it.
 */
export async function loadTokenizer(dir: string): Promise<ClipTokenizer> {
  const config = (await readJsonIfThere(join(dir, 'tokenizer_config.json'))) ?? {};
  const path = join(dir, 'tokenizer.json');
  const whole = await readJsonIfThere(path);
  const { vocab, merges } = whole ? modelOf(path, whole) : await readTwoFiles(dir);
  const table = new Map<string, AddedToken>();
  for (const token of list(whole?.added_tokens)) addToken(table, token, token.id);
  for (const [id, token] of entries(config.added_tokens_decoder))
    addToken(table, token, Number(id));

  const map =
    table.size > 0 ? undefined : await readJsonIfThere(join(dir, 'special_tokens_map.json'));
  const fields: JsonObject = { ...DEFAULTS, ...withoutNull(config), ...withoutNull(map ?? {}) };
  const tabled = new Set(table.keys());
  for (const role of ROLES) {
    const token = contentOf(fields[role]);
    if (!tabled.has(token)) addToken(table, fields[role], vocab.get(token));
  }
  return build(dir, {
    vocab,
    merges,
    added: [...table.values()],
    bosToken: contentOf(fields.bos_token),
    eosToken: contentOf(fields.eos_token),
    unkToken: contentOf(fields.unk_token),
    padToken: contentOf(fields.pad_token),
    modelMaxLength: lengthOf(dir, config.model_max_length),
    config,
  });
}

/** Writes both layouts, so that transformers 4 and 5 load the same tokenizer. The folder must exist. */
export async function saveTokenizer({ definition }: ClipTokenizer, dir: string): Promise<void> {
  const { vocab, merges, config, bosToken, eosToken, unkToken, padToken } = definition;
  const special = {
    bos_token: bosToken,
    eos_token: eosToken,
    pad_token: padToken,
    unk_token: unkToken,
  };
  const lines = merges.map(([left, right]) => `${left} ${right}\n`);
  await writeTextAtomically(join(dir, 'vocab.json'), JSON.stringify(Object.fromEntries(vocab)));
  await writeTextAtomically(join(dir, 'merges.txt'), `#version: 0.2\n${lines.join('')}`);
  await writeJson(join(dir, 'tokenizer.json'), tokenizerJson(definition));
  await writeJson(join(dir, 'special_tokens_map.json'), special);
  await writeJson(join(dir, 'tokenizer_config.json'), {
    ...config,
    ...special,
    model_max_length: definition.modelMaxLength,
    tokenizer_class: 'CLIPTokenizer',
  });
}

function build(dir: string, definition: TokenizerDefinition): ClipTokenizer {
  try {
    return new ClipTokenizer(definition);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(dir, `${error.message}.`);
    throw error;
  }
}

interface Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly Merge[];
}

function modelOf(path: string, { model }: JsonObject): Model {
  if (!isJsonObject(model) || model.type !== 'BPE' || model.end_of_word_suffix !== '</w>') {
    throw new CheckpointError(path, 'its model is not CLIP\'s: BPE with the suffix "</w>".');
  }
  if (!isJsonObject(model.vocab) || !Array.isArray(model.merges)) {
    throw new CheckpointError(path, 'its model needs a vocab and merges.');
  }
  const merges = model.merges.map((merge: unknown) =>
    parseMerge(path, Array.isArray(merge) ? merge : String(merge).split(' ')),
  );
  return { vocab: parseVocab(path, model.vocab), merges };
}

async function readTwoFiles(dir: string): Promise<Model> {
  const vocabPath = join(dir, 'vocab.json');
  const mergesPath = join(dir, 'merges.txt');
  const vocab = parseVocab(vocabPath, await readJson(vocabPath));
  const lines = (await readText(mergesPath)).split('\n');
  if (lines[0]?.startsWith('#version')) lines.shift();
  const merges = lines
    .filter((line) => line.trim() !== '')
    .map((line) => parseMerge(mergesPath, line.trim().split(' ')));
  return { vocab, merges };
}

function parseVocab(path: string, json: JsonObject): ReadonlyMap<string, number> {
  for (const [token, id] of Object.entries(json)) {
    if (Number.isInteger(id) && Number(id) >= 0 && Number(id) < 2 ** 31) continue;
    throw new CheckpointError(path, `the id of "${token}" is ${JSON.stringify(id)}.`);
  }
  return new Map(Object.entries(json as Record<string, number>));
}

function parseMerge(path: string, parts: readonly unknown[]): Merge {
  const [left, right, ...rest] = parts;
  if (typeof left === 'string' && typeof right === 'string' && rest.length === 0)
    return [left, right];
  throw new CheckpointError(path, `${JSON.stringify(parts)} is no merge of two symbols.`);
}

function addToken(table: Map<string, AddedToken>, token: unknown, id: unknown): void {
  if (typeof id !== 'number' || !Number.isInteger(id)) return;
  const content = contentOf(token);
  const matches = isJsonObject(token) && token.normalized === true ? 'cleaned' : 'raw';
  table.set(content, { content, id, matches });
}

const contentOf = (token: unknown) => String(isJsonObject(token) ? token.content : token);
const list = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : [];
const entries = (value: unknown) => (isJsonObject(value) ? Object.entries(value) : []);
const withoutNull = (json: JsonObject) =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));

/** Absurd lengths are transformers' way to say "unknown". */
function lengthOf(dir: string, value: unknown): number {
  if (value === undefined || Number(value) > 1e6) return DEFAULT_LENGTH;
  if (Number.isInteger(value) && Number(value) >= 2) return Number(value);
  throw new CheckpointError(
    join(dir, 'tokenizer_config.json'),
    `model_max_length is ${JSON.stringify(value)}.`,
  );
}
