/** Files as torch.save writes them, made by hand so that they can be wrong. */

/** Opcodes of pickle, by their names in CPython's pickletools. */
export const op = {
  proto: Buffer.from([0x80, 2]),
  stop: Buffer.from('.'),
  mark: Buffer.from('('),
  tuple: Buffer.from('t'),
  dict: Buffer.from('}'),
  setItems: Buffer.from('u'),
  reduce: Buffer.from('R'),
  persistent: Buffer.from('Q'),
  build: Buffer.from('b'),
  false: Buffer.from([0x89]),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  text: (text: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(text));
    return Buffer.concat([Buffer.from('X'), length, Buffer.from(text)]);
  },
  /** LONG1, which holds any integer. */
  integer: (n: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(n));
    return Buffer.concat([Buffer.from([0x8a, 8]), bytes]);
  },
};

export const tupleOf = (...items: readonly Buffer[]) =>
  Buffer.concat([op.mark, ...items, op.tuple]);

/** `_rebuild_tensor_v2` of storage 0. @param claimed how many elements its storage is said to have */
export function tensorCode({
  offset = 0,
  shape = [2, 3],
  strides = [3, 1],
  claimed = 6,
  type = 'FloatStorage',
  key = '0',
}: {
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  readonly claimed?: number;
  readonly type?: string;
  readonly key?: string;
} = {}): Buffer {
  const text = op.text;
  const storage = tupleOf(
    ...[text('storage'), op.global('torch', type), text(key), text('cpu'), op.integer(claimed)],
  );
  const numbers = (list: readonly number[]) => tupleOf(...list.map(op.integer));
  const hooks = Buffer.concat([op.global('collections', 'OrderedDict'), tupleOf(), op.reduce]);
  const args = tupleOf(
    ...[Buffer.concat([storage, op.persistent]), op.integer(offset)],
    ...[numbers(shape), numbers(strides), op.false, hooks],
  );
  return Buffer.concat([op.global('torch._utils', '_rebuild_tensor_v2'), args, op.reduce]);
}

/** A pickle of a dictionary with one entry, `weight`. */
export const dictionaryOf = (value: Buffer): Buffer =>
  Buffer.concat([op.proto, op.dict, op.mark, op.text('weight'), value, op.setItems, op.stop]);

/** One entry of an archive. */
export interface ZipPart {
  readonly name: string;
  readonly bytes: Buffer;
  /** 8 is deflate. @default 0 */
  readonly method?: number;
  /** What it claims to unpack to. @default the size of the bytes */
  readonly plain?: number;
  /** Where its local header is said to be. @default where it is */
  readonly local?: number;
}

/** An archive of stored entries. */
export function zipOf(parts: readonly ZipPart[]): Buffer {
  const [locals, central]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const { name, bytes, method = 0, plain = bytes.length, local = at } of parts) {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    locals.push(header, Buffer.from(name), bytes);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(method, 10);
    record.writeUInt32LE(bytes.length, 20);
    record.writeUInt32LE(plain, 24);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt32LE(local, 42);
    central.push(record, Buffer.from(name));
    at += 30 + name.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** An archive of a pickle and one storage of six floats. */
export const torchFile = (pickle: Buffer, storage = Buffer.alloc(24)): Buffer =>
  zipOf([
    { name: 'archive/data.pkl', bytes: pickle },
    { name: 'archive/data/0', bytes: storage },
  ]);
