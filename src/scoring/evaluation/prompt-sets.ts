/** The lists of prompts that models are compared on, by name. */
import { join } from 'node:path';
import { loadPromptEntries, type PromptEntry, type PromptOptions } from '../../data';
import { hubSplit } from '../../data/hub-data';
import { parquetTable } from '../../data/tables';
import { readCaption } from '../../toyworld/captions';

/** `pickapic-val`: the 500 captions that the paper chose its checkpoints by. */
export const PROMPT_SETS = ['world', 'partiprompts', 'hpdv2', 'pickapic-val'] as const;
export type PromptSet = (typeof PROMPT_SETS)[number];

const WORLD = join(__dirname, '..', '..', '..', 'data', 'prompts', 'heldout.json');
const PICK_A_PIC = 'yuvalkirstain/pickapic_v2';

/** A list by name, a file, `owner/name` of the hub, or prompts as they are. */
export type PromptSource = string | readonly string[] | readonly PromptEntry[];

/**
 * Prompts with what is known of each: categories and challenges of PartiPrompts, styles of HPD's benchmark, what a caption
 * of the embedded world asks for.
 * @throws RangeError where there are none
 * @throws HubError where the hub or the network refuse
 */
export async function evaluationPrompts(
  source: PromptSource,
  options: PromptOptions = {},
): Promise<readonly PromptEntry[]> {
  if (typeof source !== 'string') {
    if (source.length === 0) throw new RangeError('There is no prompt to draw.');
    return source.map((entry) => (typeof entry === 'string' ? withoutKind(entry) : entry));
  }
  switch (source) {
    case 'world':
      return (await loadPromptEntries(WORLD)).map(({ prompt }) => ({
        prompt,
        categories: { ...readCaption(prompt) },
      }));
    case 'partiprompts':
      return loadPromptEntries('nateraw/parti-prompts', options);
    case 'hpdv2':
      return loadPromptEntries('zhwang/HPDv2', { ...options, files: ['benchmark/*.json'] });
    case 'pickapic-val':
      return pickapicCaptions(options);
    default:
      return loadPromptEntries(source, options);
  }
}

const withoutKind = (prompt: string): PromptEntry => ({ prompt, categories: {} });

/** Each caption once; of the files only that column is fetched. */
async function pickapicCaptions(options: PromptOptions): Promise<PromptEntry[]> {
  const { column: _, categories: __, files: ___, subfolder: ____, ...hub } = options;
  const found = await hubSplit(PICK_A_PIC, { split: 'validation_unique', inside: '' }, hub);
  if (!('files' in found)) throw new RangeError(`"${PICK_A_PIC}" has no parquet files.`);
  const captions = new Set<string>();
  const { rows } = await parquetTable(found.files);
  for await (const { values } of rows(['caption'])) captions.add(String(values[0]));
  return [...captions].map(withoutKind);
}
