/** The shapes of the world as implicit functions, each of area 1 with its centroid at the origin. */

/** Positive inside, negative outside; u to the right, v down. About the distance to the outline. */
type Outline = (u: number, v: number) => number;

const RING_HALF_WIDTH = 0.24;

const starOutline: Outline = (u, v) => {
  const tips = 5;
  const [outer, inner] = [1, 0.44];
  const sector = (2 * Math.PI) / tips;
  const fromTip = Math.atan2(u, -v) + sector / 2;
  const angle = Math.abs(fromTip - sector * Math.floor(fromTip / sector) - sector / 2);
  const radius = Math.hypot(u, v);
  const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
  // The outline between a tip (outer, 0) and the next notch, as a half plane.
  const ex = inner * Math.cos(sector / 2) - outer;
  const ey = inner * Math.sin(sector / 2);
  return (y * ex - (x - outer) * ey) / Math.hypot(ex, ey);
};

const outlines = {
  square: (u, v) => 1 - Math.max(Math.abs(u), Math.abs(v)),
  triangle: (u, v) => Math.min(0.5 - v, (1 + v - Math.sqrt(3) * Math.abs(u)) / 2),
  star: starOutline,
  ring: (u, v) => RING_HALF_WIDTH - Math.abs(Math.hypot(u, v) - 1 + RING_HALF_WIDTH),
  cross: (u, v) => {
    const [a, b] = [Math.abs(u), Math.abs(v)];
    return Math.max(Math.min(0.3 - a, 1 - b), Math.min(0.3 - b, 1 - a));
  },
  crescent: (u, v) => Math.min(1 - Math.hypot(u, v), Math.hypot(u - 0.55, v) - 0.78),
  bar: (u, v) => Math.min(1 - Math.abs(u), 0.34 - Math.abs(v)),
} satisfies Record<string, Outline>;

/** A shape of the world. No two overlap by more than 0.67 (intersection over union) when aligned. */
export type Shape = keyof typeof outlines;

/** All shapes, in the order of the vocabulary. */
export const SHAPES = Object.keys(outlines) as readonly Shape[];

/** A shape scaled to area 1 and moved so that its centroid is the origin. */
export interface UnitShape {
  /** Positive inside; about the distance to the outline in units of √area. */
  readonly inside: Outline;
  /** How far it reaches from the centroid, in units of √area. */
  readonly reach: { readonly left: number; right: number; up: number; down: number };
}

const units = new Map<Shape, UnitShape>();

/** The unit form of `shape`, measured once on a fine grid and kept. */
export function unitShape(shape: Shape): UnitShape {
  const known = units.get(shape);
  if (known) return known;
  const unit = measureUnit(outlines[shape]);
  units.set(shape, unit);
  return unit;
}

const GRID = 300;
const GRID_HALF_WIDTH = 1.2;

function measureUnit(outline: Outline): UnitShape {
  const cell = (2 * GRID_HALF_WIDTH) / GRID;
  const at = (index: number) => (index + 0.5) * cell - GRID_HALF_WIDTH;
  let [count, sumU, sumV] = [0, 0, 0];
  const [low, high] = [
    [9, 9],
    [-9, -9],
  ] as [[number, number], [number, number]];
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      const [u, v] = [at(column), at(row)];
      if (outline(u, v) <= 0) continue;
      count++;
      sumU += u;
      sumV += v;
      low[0] = Math.min(low[0], u);
      low[1] = Math.min(low[1], v);
      high[0] = Math.max(high[0], u);
      high[1] = Math.max(high[1], v);
    }
  }
  const [centreU, centreV] = [sumU / count, sumV / count];
  const scale = Math.sqrt(count) * cell; // √area
  return {
    inside: (u, v) => outline(u * scale + centreU, v * scale + centreV) / scale,
    reach: {
      left: (centreU - low[0]) / scale,
      right: (high[0] - centreU) / scale,
      up: (centreV - low[1]) / scale,
      down: (high[1] - centreV) / scale,
    },
  };
}
