import { setImmediate } from 'node:timers/promises';
import { Parameters, type StoredPlace, type WeightOptions, type WeightShape } from '../engine';
import { CheckpointError } from './checkpoint-error';
import { bytesPerElement, type FileDType } from './dtypes';
import { engineShape, toTorchLayout } from './layout';
import { type Digests, type SafetensorsOptions, writeSafetensors } from './safetensors-writer';
import { elementCount } from './tensor-source';
import type { StoredWeight, WeightFiles } from './weight-files';
import { readPieces } from './weight-pieces';

/** Names that a weight may have in files of other versions, in the order in which they are tried. */
export type Aliases = (name: string) => readonly string[];

const FLOATS: readonly FileDType[] = ['F32', 'F16', 'BF16', 'F64'];
const FIRST_STRETCH = 2 ** 22; // bytes
const LONGEST_STRETCH = 2 ** 26; // some tens of milliseconds
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

/** A weight that the kernels read. */
interface Whole {
  readonly name: string;
  readonly path: string;
  readonly file: number;
  readonly bytes: number;
  readonly place: StoredPlace;
}

/** Fills what can be read as a whole, in the order of the file; returns the rest. */
async function readWhole(sources: readonly Pair[], parameters: Parameters): Promise<Pair[]> {
  const rest: Pair[] = [];
  const wholes: Whole[] = [];
  for (const source of sources) {
    const whole = parameters.readsFiles ? wholeOf(source) : undefined;
    if (whole) wholes.push(whole);
    else rest.push(source);
  }
  wholes.sort((a, b) => a.file - b.file || a.place.position - b.place.position);
  for (const stretch of stretches(wholes)) {
    readStretch(stretch, parameters);
    await setImmediate(); // others have their turn between stretches
  }
  return rest;
}

/** Neighbours of one file, few at first, so that it shows early how fast memory comes (kernels/tensorflow/pages.h). */
function* stretches(wholes: readonly Whole[]): Generator<readonly Whole[]> {
  let most = FIRST_STRETCH;
  let bytes = 0;
  let stretch: Whole[] = [];
  for (const [i, whole] of wholes.entries()) {
    stretch.push(whole);
    bytes += whole.bytes;
    if (wholes[i + 1]?.file === whole.file && bytes < most) continue;
    yield stretch;
    [stretch, bytes, most] = [[], 0, Math.min(2 * most, LONGEST_STRETCH)];
  }
}

/** @throws CheckpointError that names the weight which cannot be read */
function readStretch(stretch: readonly Whole[], parameters: Parameters): void {
  const read = (wholes: readonly Whole[]) =>
    parameters.readFrom(
      (wholes[0] as Whole).file,
      wholes.map(({ name, place }) => [name, place] as const),
    );
  try {
    read(stretch);
  } catch (error) {
    const { message } = error as Error;
    const failing = stretch.find((whole) => fails(() => read([whole]))); // the kernels do not say which
    const which = failing ? `weight "${failing.name}"` : 'a weight';
    throw new CheckpointError((stretch[0] as Whole).path, `${which} cannot be read: ${message}.`);
  }
}

function fails(fn: () => void): boolean {
  try {
    fn();
    return false;
  } catch {
    return true;
  }
}

function wholeOf([[name, shape], source]: Pair): Whole | undefined {
  const { file } = source;
  const [region, dtype] = [file.region(source.name), file.entries.get(source.name)?.dtype];
  if (!region || (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')) return undefined;
  const place = { position: region.position, dtype, reversed: shape.length === 4 };
  const bytes = elementCount(shape) * bytesPerElement(dtype);
  return { name, path: file.path, file: region.file, bytes, place };
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
