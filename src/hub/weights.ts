import { setImmediate } from 'node:timers/promises';
import { Parameters, type StoredPlace, type WeightOptions, type WeightShape } from '../engine';
import { CheckpointError } from './checkpoint-error';
import type { FileDType } from './dtypes';
import { engineShape, toTorchLayout } from './layout';
import { type Digests, type SafetensorsOptions, writeSafetensors } from './safetensors-writer';
import type { StoredWeight, WeightFiles } from './weight-files';
import { readPieces } from './weight-pieces';

/** Names that a weight may have in files of other versions, in the order in which they are tried. */
export type Aliases = (name: string) => readonly string[];

const FLOATS: readonly FileDType[] = ['F32', 'F16', 'BF16', 'F64'];
const LARGEST_FLOAT16 = 65519.996; // rounds to 65504; from 65520 on it would be infinity

/** Buffers, not weights, that transformers 4 wrote down; their values never vary. */
const BUFFER = /(^|\.)position_ids$/;

/** A model's weights with zeros in them, in the engine's layout. The caller owns them. */
export function allocateWeights(
  weights: readonly WeightShape[],
  options: WeightOptions = {},
): Parameters {
  return Parameters.allocate(
    weights.map(([name, shape]) => [name, engineShape(shape)]),
    options,
  );
}

/**
 * Loads a model's weights straight into where they stay: by the kernels, which read files, or piece by piece.
 * @param weights names and PyTorch shapes of all that the model has
 * @throws CheckpointError that lists every weight that is missing, in excess, or of another shape
 */
export async function loadWeights(
  files: WeightFiles,
  weights: readonly WeightShape[],
  aliases: Aliases,
  options: WeightOptions = {},
): Promise<Parameters> {
  const sources = matchWeights(files, weights, aliases);
  const parameters = allocateWeights(weights, options);
  try {
    const inPieces = await readWhole(sources, parameters);
    for await (const { name, piece } of readPieces(inPieces, parameters.pieceLimit))
      parameters.writePiece(name, piece);
    return parameters;
  } catch (error) {
    parameters.dispose();
    throw error;
  }
}

type Pair = readonly [WeightShape, StoredWeight];

/** Fills what can be read as a whole, in the order of the file; returns the rest. */
async function readWhole(sources: readonly Pair[], parameters: Parameters): Promise<Pair[]> {
  const rest: Pair[] = [];
  const whole: { name: string; path: string; place: StoredPlace }[] = [];
  for (const source of sources) {
    const [[name], { file }] = source;
    const place = parameters.readsFiles ? storedPlace(source) : undefined;
    if (place) whole.push({ name, path: file.path, place });
    else rest.push(source);
  }
  whole.sort((a, b) => a.place.file - b.place.file || a.place.position - b.place.position);
  for (const { name, path, place } of whole) {
    try {
      parameters.readFrom(name, place);
    } catch (error) {
      throw new CheckpointError(
        path,
        `weight "${name}" cannot be read: ${(error as Error).message}.`,
      );
    }
    await setImmediate(); // others have their turn between weights
  }
  return rest;
}

function storedPlace([[, shape], { file, name }]: Pair): StoredPlace | undefined {
  const [region, dtype] = [file.region(name), file.entries.get(name)?.dtype];
  if (!region || (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')) return undefined;
  return { ...region, dtype, reversed: shape.length === 4 };
}

/** Writes a model's weights under PyTorch's names and shapes, with a checksum. @throws RangeError where F16 overflows. */
export async function saveWeights(
  path: string,
  parameters: Parameters,
  weights: readonly WeightShape[],
  dtype: FileDType,
  { checksum = 'sha256' }: SafetensorsOptions = {},
): Promise<Digests> {
  const tensors = weights.map(([name, shape]) => ({
    name,
    dtype,
    shape,
    data: () => torchWeight(parameters, [name, shape], dtype),
  }));
  return writeSafetensors(path, tensors, { checksum });
}

/** A weight's numbers as PyTorch orders them. @throws RangeError where they do not fit into `dtype`. */
export function torchWeight(
  parameters: Parameters,
  [name, shape]: WeightShape,
  dtype: FileDType,
): Float32Array {
  return inRange(name, dtype, toTorchLayout(parameters.read(name), shape));
}

function inRange(name: string, dtype: FileDType, data: Float32Array): Float32Array {
  if (dtype !== 'F16') return data;
  const i = data.findIndex((x) => Math.abs(x) > LARGEST_FLOAT16 && Number.isFinite(x));
  if (i === -1) return data;
  throw new RangeError(`Weight "${name}" holds ${data[i]}, which float16 cannot; save as F32.`);
}

/** Pairs each weight with its place in the files. */
function matchWeights(
  files: WeightFiles,
  weights: readonly WeightShape[],
  aliases: Aliases,
): Pair[] {
  const left = new Map(files.weights);
  const problems: string[] = [];
  const pairs: Pair[] = [];
  for (const weight of weights) {
    const [name, shape] = weight;
    const found = [name, ...aliases(name)].find((candidate) => left.has(candidate));
    const source = found === undefined ? undefined : left.get(found);
    if (found === undefined || !source) {
      problems.push(`weight "${name}" is missing; the model expects [${shape}]`);
      continue;
    }
    left.delete(found);
    const problem = mismatch(source, shape);
    if (problem === undefined) pairs.push([weight, source]);
    else problems.push(problem);
  }
  for (const name of left.keys()) {
    if (!BUFFER.test(name)) problems.push(`weight "${name}" is not part of the model`);
  }
  if (problems.length > 0) throw new CheckpointError(files.path, `${problems.join('; ')}.`);
  return pairs;
}

function mismatch({ file, name }: StoredWeight, shape: readonly number[]): string | undefined {
  const entry = file.entries.get(name);
  if (!entry) return undefined;
  if (entry.shape.length !== shape.length || entry.shape.some((n, i) => n !== shape[i])) {
    return `weight "${name}" has the shape [${entry.shape}]; the model expects [${shape}]`;
  }
  if (FLOATS.includes(entry.dtype)) return undefined;
  return `weight "${name}" has dtype ${entry.dtype}; the model expects one of ${FLOATS.join(', ')}`;
}
