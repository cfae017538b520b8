import { open } from 'node:fs/promises';
import { writeTextAtomically } from './atomic';
import { CheckpointError } from './checkpoint-error';

/** The largest JSON or text file of a model folder that is read; CLIP's tokenizer.json has 3.6 MB. */
const MAX_BYTES = 64 << 20;

/** What stands in a JSON file whose top level is an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a UTF-8 text file. @throws CheckpointError where it is missing, too big or no UTF-8. */
export async function readText(path: string): Promise<string> {
  const text = await readTextIfThere(path);
  if (text === undefined) throw new CheckpointError(path, 'there is no such file.');
  return text;
}

/** Like {@link readText}, but undefined where there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const bytes = await readBounded(path);
  if (!bytes) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CheckpointError(path, 'it is not UTF-8 text.');
  }
}

/** Reads a JSON object. @throws CheckpointError where the file is missing, too big or no JSON object. */
export async function readJson(path: string): Promise<JsonObject> {
  return parseObject(path, await readText(path));
}

/** Like {@link readJson}, but undefined where there is no such file. */
export async function readJsonIfThere(path: string): Promise<JsonObject | undefined> {
  const text = await readTextIfThere(path);
  return text === undefined ? undefined : parseObject(path, text);
}

/** Fields that transformers 5 takes for floats only: a `1` there is refused, so it is written `1.0`. */
const FLOATS =
  'attention_dropout|dropout|initializer_factor|initializer_range|layer_norm_eps|logit_scale_init_value|norm_eps|' +
  'rescale_factor|resnet_out_scale_factor';
const WHOLE_FLOAT = new RegExp(`^( *"(?:${FLOATS})": -?\\d+)(,?)$`, 'gm');

/**
 * Writes JSON as the Python libraries do: two spaces, floats with a point, infinities by their names, a final line break.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const named = (_key: string, x: unknown) =>
    x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY ? `${MARK}${x}` : x;
  const text = JSON.stringify(value, named, 2)
    .replaceAll(new RegExp(`"${MARK}(-?Infinity)"`, 'g'), '$1')
    .replace(WHOLE_FLOAT, '$1.0$2');
  await writeTextAtomically(path, `${text}\n`);
}

/** Stands before an infinity while it is a string; of Unicode's private use. */
const MARK = '\uE000';

/** A string, which is left alone, or an infinity as Python's json writes it: schedulers have `-Infinity`. */
const STRING_OR_INFINITY = /"(?:[^"\\]|\\.)*"|(-?)Infinity/g;

/** JSON, and beyond it Python's infinities. @throws SyntaxError */
function parseAsPython(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const numbers = text.replace(STRING_OR_INFINITY, (found, sign?: string) =>
      sign === undefined ? found : `${sign}1e999`,
    );
    if (numbers === text) throw error;
    return JSON.parse(numbers);
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(path: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = parseAsPython(text);
  } catch (error) {
    throw new CheckpointError(path, `it is not JSON (${(error as Error).message}).`);
  }
  if (isJsonObject(value)) return value;
  throw new CheckpointError(path, 'its JSON is not an object.');
}

async function readBounded(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CheckpointError(path, `it cannot be opened (${error.code}).`);
  });
  if (!handle) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CheckpointError(path, 'it is not a file.');
    if (stat.size > MAX_BYTES) {
      throw new CheckpointError(path, `${stat.size} bytes are too many (limit ${MAX_BYTES}).`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
