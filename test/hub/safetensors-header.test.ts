import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { CheckpointError, openSafetensors } from '../../src/hub';
import { formatHeader, parseHeader } from '../../src/hub/safetensors-header';
import { inTemporaryFolder } from '../support/temporary';

const encode = (text: string) => new TextEncoder().encode(text);
const entry = (shape: string, offsets: string, dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

/** [what is wrong, header, bytes of data, the reason given]. */
const MALFORMED: readonly (readonly [string, string | Uint8Array, number, RegExp])[] = [
  ['an array', '[]', 0, /"\{" was expected/],
  ['nothing', '', 0, /"\{" was expected/],
  ['an overlap', `{"a":${entry('[2]', '[0,8]')},"b":${entry('[1]', '[4,8]')}}`, 8, /"b" overlaps/],
  [
    'a hole',
    `{"a":${entry('[1]', '[0,4]')},"b":${entry('[1]', '[8,12]')}}`,
    12,
    /"b" leaves a hole/,
  ],
  ['a hole at the start', `{"a":${entry('[1]', '[4,8]')}}`, 8, /"a" leaves a hole/],
  ['trailing bytes', `{"a":${entry('[1]', '[0,4]')}}`, 5, /describes 4 bytes .* holds 5/],
  ['an end past the data', `{"a":${entry('[1]', '[0,4]')}}`, 3, /describes 4 bytes .* holds 3/],
  [
    'a size that is not shape × dtype',
    `{"a":${entry('[3]', '[0,8]')}}`,
    8,
    /needs 12 bytes.*span 8/,
  ],
  ['an end before its start', `{"a":${entry('[0]', '[4,0]')}}`, 4, /before its start/],
  [
    'a tensor twice',
    `{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[0,4]')}}`,
    4,
    /name "a" twice/,
  ],
  [
    'a field twice',
    '{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}',
    4,
    /"dtype" twice/,
  ],
  [
    'an escaped name twice',
    `{"a":${entry('[1]', '[0,4]')},"\\u0061":${entry('[0]', '[4,4]')}}`,
    4,
    /"a" twice/,
  ],
  ['an unknown dtype', `{"a":${entry('[1]', '[0,4]', 'F33')}}`, 4, /dtype "F33"/],
  [
    'a dtype from the prototype',
    `{"a":${entry('[1]', '[0,4]', 'toString')}}`,
    4,
    /dtype "toString"/,
  ],
  ['a number as metadata', '{"__metadata__":{"a":1}}', 0, /a string was expected/],
  ['metadata that is no object', '{"__metadata__":"pt"}', 0, /"\{" was expected/],
  ['a shape of 2^62', `{"a":${entry('[4611686018427387904]', '[0,4]')}}`, 4, /whole number/],
  [
    'a product that overflows before a 0',
    `{"a":${entry('[4503599627370496,4503599627370496,0]', '[0,0]')}}`,
    0,
    /needs NaN bytes/,
  ],
  ['a negative dimension', `{"a":${entry('[-1]', '[0,4]')}}`, 4, /whole number/],
  ['a fraction', `{"a":${entry('[1.0]', '[0,4]')}}`, 4, /"," or "\]"/],
  ['an exponent', `{"a":${entry('[1e0]', '[0,4]')}}`, 4, /"," or "\]"/],
  ['a leading zero', `{"a":${entry('[01]', '[0,4]')}}`, 4, /whole number/],
  ['three offsets', `{"a":${entry('[1]', '[0,4,4]')}}`, 4, /two data_offsets/],
  ['no shape', '{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4, /needs dtype, shape/],
  [
    'an unknown field',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}',
    4,
    /unknown field "x"/,
  ],
  ['a lone surrogate', `{"\\ud800":${entry('[1]', '[0,4]')}}`, 4, /string is malformed/],
  ['a raw line break in a name', `{"a\n":${entry('[1]', '[0,4]')}}`, 4, /string is malformed/],
  ['a byte-order mark', '\ufeff{}', 0, /"\{" was expected/],
  ['text after the end', '{}x', 0, /follows the closing brace/],
  ['a trailing comma', `{"a":${entry('[1]', '[0,4]')},}`, 4, /a string was expected/],
  ['an open end', '{"a":', 0, /expected/],
  ['an open string', '{"a', 0, /string is malformed/],
  ['deep nesting', '['.repeat(1e6), 0, /"\{" was expected/],
  ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 0, /not UTF-8/],
];

describe('parseHeader', () => {
  for (const [fault, header, dataBytes, reason] of MALFORMED) {
    it(`refuses ${fault}`, () => {
      const bytes = typeof header === 'string' ? encode(header) : header;
      assert.throws(() => parseHeader(bytes, dataBytes), reason);
    });
  }

  it('allows what the format allows', () => {
    const spaced = ` {"a" : ${entry('[ 1 ]', '[0, 4]')} ,\n"e":${entry('[0,7]', '[4,4]')}}  \t\r\n`;
    const { entries } = parseHeader(encode(spaced), 4);
    assert.deepEqual([...entries.keys()], ['a', 'e']);
    assert.equal(parseHeader(encode('{}'), 0).entries.size, 0);
    const odd = parseHeader(encode(`{"__proto__":${entry('[]', '[0,4]')}}`), 4).entries;
    assert.deepEqual(odd.get('__proto__')?.shape, []);
  });

  it('accepts no mutated header that breaks a rule (10,000 mutations)', () => {
    const entries = [
      { name: 'conv.weight', dtype: 'F32', shape: [2, 3], begin: 0, end: 24 },
      { name: 'conv.bias', dtype: 'F16', shape: [2], begin: 24, end: 28 },
      { name: 'ids', dtype: 'I64', shape: [1, 1], begin: 28, end: 36 },
    ] as const;
    const original = formatHeader({ format: 'pt' }, entries).subarray(8);
    const edit = fc.tuple(fc.constantFrom('flip', 'set', 'drop', 'double'), fc.nat(), fc.nat(255));
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = edits.reduce(mutate, [...original]);
        let header: ReturnType<typeof parseHeader>;
        try {
          header = parseHeader(Uint8Array.from(bytes), 36);
        } catch (error) {
          assert.ok(error instanceof SyntaxError || error instanceof RangeError, String(error));
          return;
        }
        accepted += 1;
        checkByPlainRules(Buffer.from(bytes).toString('utf8'), header.entries.size);
      }),
      { seed: 7, numRuns: 10_000 },
    );
    assert.ok(accepted > 100 && accepted < 5000, `accepted ${accepted}`);
  });
});

const ALPHABET = encode('{}[]":,0123456789 \\u').map(Number);

function mutate(bytes: number[], [how, where, value]: [string, number, number]): number[] {
  const at = where % bytes.length;
  const result = [...bytes];
  if (how === 'flip') result[at] = (result[at] as number) ^ (1 << (value & 7));
  if (how === 'set') result[at] = ALPHABET[value % ALPHABET.length] as number;
  if (how === 'drop') result.splice(at, 1 + (value & 7));
  if (how === 'double') result.splice(at, 0, ...bytes.slice(at, at + 1 + (value & 31)));
  return result;
}

const BYTES = new Map(
  Object.entries({ F32: 4, F16: 2, BF16: 2, F64: 8, I64: 8, I32: 4, U8: 1, BOOL: 1 }),
);

/** The rules once more, on top of JSON.parse. */
function checkByPlainRules(text: string, count: number) {
  const header = new Map<string, Record<string, unknown>>(Object.entries(JSON.parse(text)));
  const metadata = header.get('__metadata__') ?? {};
  assert.ok(Object.values(metadata).every((x) => typeof x === 'string'));
  header.delete('__metadata__');
  assert.equal(header.size, count, 'a name was there twice');
  const spans = [...header.values()].map(({ dtype, shape, data_offsets }) => {
    const [begin, end, ...rest] = data_offsets as number[];
    const size = (shape as number[]).reduce(
      (a, b) => a * b,
      BYTES.get(String(dtype)) ?? Number.NaN,
    );
    assert.equal(rest.length, 0);
    assert.equal(Number(end) - Number(begin), size);
    return [Number(begin), Number(end)] as const;
  });
  spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let next = 0;
  for (const [begin, end] of spans) {
    assert.equal(begin, next);
    next = end;
  }
  assert.equal(next, 36);
}

describe('a damaged safetensors file', () => {
  const good = Buffer.concat([
    formatHeader({}, [{ name: 'w', dtype: 'F32', shape: [2], begin: 0, end: 8 }]),
    Buffer.alloc(8),
  ]);
  const withLength = (n: bigint) => {
    const file = Buffer.from(good);
    file.writeBigUInt64LE(n);
    return file;
  };
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['an empty file', Buffer.alloc(0), /0 bytes are too few/],
    ['a header longer than the file', withLength(5000n), /claims 5000 bytes, but the file has/],
    ['a header above the limit', withLength(100_000_001n), /allows 100000000/],
    ['a header of 2^63 bytes', withLength(2n ** 63n), /allows 100000000/],
    ['a file cut short', good.subarray(0, good.length - 1), /holds 7/],
  ];
  for (const [what, bytes, reason] of cases) {
    it(`is refused: ${what}`, () =>
      inTemporaryFolder(async (folder) => {
        const path = join(folder, 'model.safetensors');
        writeFileSync(path, bytes);
        await assert.rejects(openSafetensors(path), (error) => {
          assert.ok(error instanceof CheckpointError);
          assert.match(error.message, /model\.safetensors: /);
          assert.match(error.message, reason);
          return true;
        });
      }));
  }
});
