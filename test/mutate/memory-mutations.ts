/** Mutations of what saves memory: tiles, slices. */
import type { Mutation } from './mutations';

const tiles = { file: 'src/models/vae-tiling.ts', tests: ['test/models/vae-tiling.test.ts'] };
const slices = {
  file: 'src/engine/ops/attention.ts',
  tests: ['test/engine/attention-slice.test.ts'],
};

export const memoryMutations: readonly Mutation[] = [
  {
    ...tiles,
    what: 'tiles: a tile fades out where it should fade in',
    from: '.mul(share.neg().add(1));',
    to: '.mul(share);',
  },
  {
    ...tiles,
    what: 'tiles: the first row of a tile already half faded in',
    from: '(_, i) => i / extent)',
    to: '(_, i) => (i + 1) / extent)',
  },
  {
    ...tiles,
    what: 'tiles: what is faded into the next tile kept too',
    from: 'kept: result - blend }',
    to: 'kept: result }',
  },
  {
    ...tiles,
    what: 'tiles: a picture of the size of a tile cut',
    from: 'Math.max(H, W) > cut.size',
    to: 'Math.max(H, W) >= cut.size',
  },
  {
    ...tiles,
    what: 'tiles: faded from where the tile before begins',
    from: 'along(before, axis, ending - extent, extent)',
    to: 'along(before, axis, 0, extent)',
  },
  {
    what: 'tiles: a picture that is drawn over encoded whole',
    file: 'src/diffusion/drawn-over.ts',
    from: 'latentsFromPixels(vae, pixels, draw, parts)',
    to: 'latentsFromPixels(vae, pixels, draw)',
    tests: ['test/diffusion/vae-tiling.test.ts'],
  },
  {
    what: 'loading: the next piece read over the one in use',
    file: 'src/hub/weight-pieces.ts',
    from: 'rooms[i % 2 ? 0 : 1]',
    to: 'rooms[0]',
    tests: ['test/hub/weight-pieces.test.ts'],
  },
  {
    ...slices,
    what: 'attention in slices: half of all rows’ heads instead of half of one row’s',
    from: 'Math.floor(heads / 2)',
    to: 'Math.floor((B * heads) / 2)',
  },
  {
    ...slices,
    what: 'attention in slices: keys of the first slice for all',
    from: 'headAttention(some(Q), some(K), some(V), mask)',
    to: 'headAttention(some(Q), headsFrom(K, 0, atOnce), some(V), mask)',
  },
];
