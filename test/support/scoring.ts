import { decodeImage, type RgbImage } from '../../src/data/image';
import { fixturePath, jsonFixture, tensorFixture } from './fixtures';

/** A CLIP folder of test/fixtures/make_scoring.py. */
export const TINY_CLIP = fixturePath('scoring', 'tiny-clip');

/** Models of test/fixtures/make_selectors.py; their tokenizer is TINY_CLIP's. */
export const OPEN_CLIP_FOLDER = fixturePath('scoring', 'open-clip');
export const HPS_FILE = fixturePath('scoring', 'hps', 'HPS_tiny_compressed.pt');
export const IMAGE_REWARD_FOLDER = fixturePath('scoring', 'image-reward');
export const AESTHETIC_HEAD = fixturePath('scoring', 'aesthetic.pth');

/** What the Python libraries say of {@link selectorPictures}. */
export interface SelectorFixture {
  readonly prompts: readonly string[];
  /** Files of other modes, in base 64. */
  readonly files: Readonly<Record<string, string>>;
  readonly clip: readonly number[];
  readonly hps: Readonly<Record<'current' | 'before 0.17', readonly number[]>>;
  readonly marks: readonly number[];
  readonly rewards: readonly number[];
  /** Ids of BERT's word pieces, and of which texts. */
  readonly pieces: readonly (readonly number[])[];
  readonly piecesOf: readonly string[];
  readonly shares: {
    readonly prompt: string;
    readonly cosines: readonly number[];
    readonly shares: readonly number[];
  };
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly unescaped: readonly (readonly [text: string, plain: string])[];
}

export const selectorFixture = jsonFixture<SelectorFixture>('scoring', 'selectors.json');

/** The pictures of odd sizes of test/fixtures/make_scoring.py. */
export function scoringPictures(): RgbImage[] {
  const stored = tensorFixture('scoring', 'pictures.safetensors');
  return Array.from(stored.keys(), (_, i) => {
    const { shape = [], data } = stored.get(`picture${i}`) ?? {};
    const [height = 0, width = 0] = shape;
    return { width, height, data: data as Uint8Array };
  });
}

/** These, and the decoded files of other modes. */
export async function selectorPictures(): Promise<RgbImage[]> {
  const files = Object.values(selectorFixture.files);
  const decoded = files.map((file) => decodeImage(Buffer.from(file, 'base64')));
  return [...scoringPictures(), ...(await Promise.all(decoded))];
}
