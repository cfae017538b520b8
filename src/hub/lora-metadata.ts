import { type LoraConfig, loraConfig } from '../models';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, type JsonObject } from './json-file';

/** The field of a safetensors header in which diffusers leaves what peft has to know. */
export const LORA_METADATA = 'lora_adapter_metadata';

/** Fields of peft that would make another kind of adapter, with the only values that are read. */
const PLAIN = {
  alpha_pattern: {},
  bias: 'none',
  fan_in_fan_out: false,
  rank_pattern: {},
  use_dora: false,
  use_rslora: false,
} as const;

/** Those fields of peft's `LoraConfig` that all its versions know, as diffusers writes them: sorted, two spaces. */
export function formatLoraMetadata(config: LoraConfig, prefix: string): string {
  const fields = {
    ...PLAIN,
    init_lora_weights: 'gaussian',
    lora_alpha: config.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: config.rank,
    target_modules: config.targetModules,
  };
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const named = sorted.map(([name, value]) => [`${prefix}${name}`, value]);
  return JSON.stringify(Object.fromEntries(named), null, 2);
}

/**
 * Reads what diffusers left.
 * @param derived what the weights tell; their layers are the targets where the field has a pattern in place of names
 * @throws CheckpointError where it asks for another kind of adapter
 */
export function parseLoraMetadata(
  path: string,
  text: string,
  prefix: string,
  derived: LoraConfig,
): LoraConfig {
  const fail = (reason: string): never => {
    throw new CheckpointError(path, `its ${LORA_METADATA} ${reason}.`);
  };
  const json = parsed(text);
  if (!json) return fail('is no JSON object');
  const field = (name: string) => json[`${prefix}${name}`];
  for (const [name, only] of Object.entries(PLAIN)) {
    const [value, plain] = [field(name) ?? only, only].map((x) => JSON.stringify(x));
    if (value !== plain) fail(`has ${name} ${value}; only ${plain} can be read`);
  }
  const [r, alpha, targets] = ['r', 'lora_alpha', 'target_modules'].map(field);
  if (r !== derived.rank)
    return fail(`has r ${JSON.stringify(r)}, but its weights have the rank ${derived.rank}`);
  if (typeof alpha !== 'number' || !(alpha > 0))
    return fail(`has lora_alpha ${JSON.stringify(alpha)}; it should be a positive number`);
  const targetModules = isNames(targets) ? targets : derived.targetModules;
  return loraConfig({ rank: derived.rank, alpha, targetModules });
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

function parsed(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
