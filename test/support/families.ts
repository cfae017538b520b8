import { fixturePath, jsonFixture } from './fixtures';

/** A pipeline folder of test/fixtures/make_families.py. */
export const familyPath = (name: string) => fixturePath('families', name);

/** The folders, and how many numbers go with the pooled text. */
export const FAMILIES = {
  sd2: { numbers: 0 },
  'sd2-base': { numbers: 0 },
  sdxl: { numbers: 6 },
  turbo: { numbers: 6 },
  refiner: { numbers: 5 },
  'refiner-wide': { numbers: 5 },
} as const;

/** Their names. */
export const FAMILY_NAMES = Object.keys(FAMILIES) as (keyof typeof FAMILIES)[];

/** A JSON file of the script. */
export const familyJson = <T>(name: string): T => jsonFixture<T>('families', name);
