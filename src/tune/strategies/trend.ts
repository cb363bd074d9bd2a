/**
 * A smooth companion of the forest: Gaussian process regression (Rasmussen, Williams 2006, algorithm 2.1), its mean only.
 * Trees are flat beyond what they saw; this goes on in the direction in which scores rose, also along two knobs at once.
 */
import type { Feature } from './regression-tree.js';

export interface TrendRow {
  readonly levels: Uint16Array;
  readonly target: number;
  /** Standard error of the target. */
  readonly error: number;
}

export interface Trend {
  predict(levels: Uint16Array): number;
}

/** Distance, as a share of a knob's range, over which scores are alike. */
const REACH = 0.5;
/** Likeness of two values of an unordered knob. */
const STRANGERS = 0.3;
/** Standard deviation of what no smooth function explains, beside the noise. */
const ROUGHNESS = 0.08;
/** More rows cost more than they tell. */
const MAX_ROWS = 240;

/** Throws RangeError without rows; takes the last 240. */
export function fitTrend(features: readonly Feature[], allRows: readonly TrendRow[]): Trend {
  const rows = allRows.slice(-MAX_ROWS);
  if (rows.length === 0) throw new RangeError('no trend from no rows');
  const likeness = likenessTables(features);
  const mean = rows.reduce((sum, { target }) => sum + target, 0) / rows.length;
  const variance = rows.reduce((sum, { target }) => sum + (target - mean) ** 2, 0) / rows.length + 1e-6;
  // The fourth power of the mean holds products of up to four knobs' likenesses: so many may act together.
  const kernel = (a: Uint16Array, b: Uint16Array): number => {
    let sum = 0;
    for (let index = 0; index < features.length; index++) {
      sum += likeness[index]![a[index]! * features[index]!.levelCount + b[index]!]!;
    }
    const alike = (sum / features.length) ** 2;
    return variance * alike * alike;
  };
  const matrix = rows.map((row, index) => {
    const line = new Float64Array(index + 1);
    for (let other = 0; other <= index; other++) line[other] = kernel(row.levels, rows[other]!.levels);
    line[index]! += ROUGHNESS ** 2 + row.error ** 2;
    return line;
  });
  const shares = solve(
    matrix,
    Float64Array.from(rows, ({ target }) => target - mean),
  );
  return {
    predict: (levels) => rows.reduce((sum, row, index) => sum + shares[index]! * kernel(levels, row.levels), mean),
  };
}

/** By feature, level and level: 1 for the same, falling with the distance. */
function likenessTables(features: readonly Feature[]): Float64Array[] {
  return features.map(({ levelCount, isOrdered }) =>
    Float64Array.from({ length: levelCount * levelCount }, (_, at) => {
      const [a, b] = [Math.floor(at / levelCount), at % levelCount];
      if (a === b) return 1;
      return isOrdered ? Math.exp(-0.5 * ((a - b) / (levelCount - 1) / REACH) ** 2) : STRANGERS;
    }),
  );
}

/** x of M x = y for a positive definite M, given by the rows of its lower triangle, which are overwritten (Cholesky). */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const n = right.length;
  for (let row = 0; row < n; row++) {
    const line = matrix[row]!;
    for (let column = 0; column <= row; column++) {
      const other = matrix[column]!;
      let sum = line[column]!;
      for (let k = 0; k < column; k++) sum -= line[k]! * other[k]!;
      line[column] = column === row ? Math.sqrt(Math.max(sum, 1e-12)) : sum / other[column]!;
    }
  }
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < row; k++) right[row]! -= matrix[row]![k]! * right[k]!;
    right[row]! /= matrix[row]![row]!;
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) right[row]! -= matrix[k]![row]! * right[k]!;
    right[row]! /= matrix[row]![row]!;
  }
  return right;
}
