/**
 * Seeded random numbers (sfc32, Chris Doty-Humphrey's Small Fast Counting generator), so that every run can be
 * repeated from the seed in its record. Not for security.
 */

export interface Rng {
  /** Uniform in [0, 1) with 32 bits. */
  next(): number;
  /** Uniform integer in [0, limit). */
  int(limit: number): number;
  /** Standard normal, by the Box-Muller transform. */
  normal(): number;
}

/** splitmix32 spreads a small seed over the four words of state. */
function spread(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** A generator for `seed`; the same seed gives the same sequence on every platform. */
export function createRng(seed: number): Rng {
  const word = spread(seed);
  let a = word();
  let b = word();
  let c = word();
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 12; i++) next();
  let spare: number | undefined;
  return {
    next,
    int: (limit) => Math.floor(next() * limit),
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

/** A seed for part `index` of something seeded with `seed`, so that parts draw independent sequences. */
export function deriveSeed(seed: number, index: number): number {
  const word = spread((seed ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0);
  word();
  return word();
}
