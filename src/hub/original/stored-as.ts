/** How a weight lies in a file of the original layout, which has other names and sometimes another arrangement. */
export interface StoredAs {
  readonly name: string;
  /** Which third of the rows, where query, key and value are one tensor. */
  readonly third?: 0 | 1 | 2;
  /** `transposed`: [in, out] for [out, in]; `convolution`: [out, in, 1, 1] for [out, in]. @default as it is */
  readonly form?: 'transposed' | 'convolution';
}

/** Where the original layout has a weight of diffusers' name. */
export type Rule = (name: string) => StoredAs;

/** Words of a name that stand for others, each replaced where it is found. */
export type Words = readonly (readonly [from: RegExp, to: string])[];

/** The name with all words replaced, in their order. */
export const reworded = (name: string, words: Words): string =>
  words.reduce((text, [from, to]) => text.replace(from, to), name);

/** The same rule for weights whose names begin with a prefix in the file. */
export const behind =
  (prefix: string, rule: Rule): Rule =>
  (name) => {
    const stored = rule(name);
    return { ...stored, name: `${prefix}${stored.name}` };
  };
