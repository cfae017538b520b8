/**
 * A file of labels: JSON lines, the first of which says where the pairs lie, each other one an answer. Lines are only ever
 * added, so that several people, or processes, may write at once, and a kill can tear no line but the last.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../hub/atomic';
import { isPicture, type PictureColumn } from './picture-files';

/** `label_0` of Pick-a-Pic: 1 the first picture is better, 0 the second, ½ neither. */
export type LabelValue = 0 | 0.5 | 1;

/** One answer, or the withdrawal of an answer. */
export interface LabelLine {
  /** Names of both pictures, as the pairs have them. */
  readonly pair: string;
  /** null: the answer before is taken back. */
  readonly label_0: LabelValue | null;
  readonly labeller: string;
  /** Which picture stood left. */
  readonly left: PictureColumn;
  /** SHA-256 of both pictures' files as they were shown. */
  readonly sha256: readonly [string, string];
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** An answer that holds. */
export interface Label extends LabelLine {
  readonly label_0: LabelValue;
}

export interface Labels {
  /** The file. */
  readonly path: string;
  /** Folder or file of the pairs, relative to the folder of the file. */
  readonly pairs: string;
  /** The last answer of each to each pair, in the order of answering; those taken back are gone. */
  readonly byLabeller: ReadonlyMap<string, ReadonlyMap<string, Label>>;
  /** Lines that a kill or a full disk tore; what they were to say was never confirmed to anybody. */
  readonly torn: number;
}

const MAX_BYTES = 2 ** 28;

/** @throws RangeError that names the line that says something else, or the file if it is none of labels */
export function readLabels(path: string): Labels {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new RangeError(`There is no file of labels "${path}".`);
  if (size > MAX_BYTES)
    throw new RangeError(`"${path}" has ${size} bytes; at most ${MAX_BYTES} are read.`);
  const lines = readFileSync(path, 'utf8').split('\n');
  const byLabeller = new Map<string, Map<string, Label>>();
  let pairs: string | undefined;
  let torn = 0;
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    const fields = fieldsOf(line);
    if (!fields) torn++;
    else if (isHeader(fields)) pairs = onePlace(path, pairs, fields.pairs);
    else if (pairs !== undefined && isLabelLine(fields)) take(byLabeller, fields);
    else throw new RangeError(`Line ${i + 1} of "${path}" is no label.`);
  }
  if (pairs === undefined) throw new RangeError(`"${path}" does not begin as a file of labels.`);
  return { path, pairs, byLabeller, torn };
}

/** Within these the first line ends. */
const HEAD_BYTES = 8192;

/** Whether a file begins as one of labels, perhaps after a first line that was torn. */
export function isLabelFile(path: string): boolean {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(path, 'r');
  try {
    const read = readSync(descriptor, head, 0, head.length, 0);
    const lines = head.subarray(0, read).toString('utf8').split('\n');
    const first = lines.map(fieldsOf).find((fields) => fields !== undefined);
    return first !== undefined && isHeader(first);
  } finally {
    closeSync(descriptor);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Nothing for a line that is no whole object: the beginning of one never is. */
function fieldsOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

const isHeader = (fields: Fields): fields is Fields & { readonly pairs: string } =>
  fields.labels === 1 && typeof fields.pairs === 'string';

function onePlace(path: string, known: string | undefined, found: string): string {
  if (known === undefined || known === found) return found;
  throw new RangeError(`"${path}" is of the pairs in "${known}", and of those in "${found}" too.`);
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isLabelLine(fields: Fields): fields is Fields & LabelLine {
  const { pair, label_0, labeller, left, sha256, at } = fields;
  const isLabel = label_0 === null || label_0 === 0 || label_0 === 0.5 || label_0 === 1;
  const areDigests = Array.isArray(sha256) && sha256.length === 2 && sha256.every(isText);
  return isLabel && areDigests && isPicture(left) && [pair, labeller, at].every(isText);
}

function take(byLabeller: Map<string, Map<string, Label>>, line: LabelLine): void {
  const labels = byLabeller.get(line.labeller) ?? new Map<string, Label>();
  byLabeller.set(line.labeller, labels);
  labels.delete(line.pair); // what is answered again moves to the end
  if (line.label_0 !== null) labels.set(line.pair, line as Label);
}

/** Adds lines to a file of labels; each is on the disk when `add` returns. */
export class LabelWriter {
  private isOpen = true;

  private constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  /** Begins the file where there is none. @throws RangeError where it is of other pairs, or none of labels */
  static async open(path: string, pairs: string): Promise<LabelWriter> {
    mkdirSync(dirname(path), { recursive: true });
    const writer = new LabelWriter(path, openSync(path, 'a'));
    try {
      if (isUnbegun(path)) writer.write({ labels: 1, pairs });
      else onePlace(path, readLabels(path).pairs, pairs);
      await syncFolder(dirname(path));
    } catch (error) {
      writer.close();
      throw error;
    }
    return writer;
  }

  /** @throws Error that names the file, as on a full disk; the line does not count then */
  add(line: LabelLine): void {
    this.write(line);
  }

  close(): void {
    if (this.isOpen) closeSync(this.descriptor);
    this.isOpen = false;
  }

  /**
   * In one call, at the end of the file: a line of another process comes before or after it. It begins with the break, so
   * that it stands alone even behind a line that was torn.
   */
  private write(line: object): void {
    if (!this.isOpen) throw new Error(`${this.path} is closed; the answer is not kept.`);
    const isFirst = fstatSync(this.descriptor).size === 0;
    const bytes = Buffer.from(`${isFirst ? '' : '\n'}${JSON.stringify(line)}`);
    try {
      const written = writeSync(this.descriptor, bytes);
      if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes fit`);
      fsyncSync(this.descriptor);
    } catch (error) {
      throw new Error(`${this.path} could not be written (${(error as Error).message}).`, {
        cause: error,
      });
    }
  }
}

/** Empty, or with nothing but the beginning of the first line. */
function isUnbegun(path: string): boolean {
  const { size } = statSync(path);
  if (size === 0) return true;
  if (size > HEAD_BYTES || isLabelFile(path)) return false;
  const text = readFileSync(path, 'utf8');
  return BEGINS.startsWith(text) || text.startsWith(BEGINS);
}

const BEGINS = '{"labels":1,"pairs":';
