/**
 * The smooth companion of the forest: Gaussian process regression over knob levels (Rasmussen, Williams 2006, algorithm
 * 2.1). It carries a rise on to where nothing was measured and knows how far away that is. How far each knob's values
 * resemble each other is learnt from the rows by their marginal likelihood, a little with every fit.
 */
import type { Rng } from '../../common/random.js';
import type { Feature } from './regression-tree.js';

export interface GaussianRow {
  readonly levels: Uint16Array;
  readonly target: number;
  /** Standard error of the target. */
  readonly error: number;
}

export interface GaussianPrediction {
  readonly mean: number;
  /** Of the function itself, without the noise of a measurement. */
  readonly variance: number;
}

export interface GaussianProcess {
  predict(levels: Uint16Array): GaussianPrediction;
}

/** Keeps what it learnt from fit to fit. */
export interface GaussianModel {
  /** Throws RangeError without rows. */
  fit(rows: readonly GaussianRow[]): GaussianProcess;
}

/** Logarithms of: the reach of each feature, then amplitude, odds of the additive part, roughness. */
type Shape = Float64Array;

/** Two different values of an unordered knob are this share of its range apart. */
const STRANGER_DISTANCE = 0.8;
/** What is believed of a shape before any row: every knob reaches as far as its range, and half as much adds up as acts together. */
const PRIOR = { reach: 1, amplitude: 1, additiveOdds: 0.5, roughness: 0.04 };
/** Standard deviation of that belief, in logarithms. */
const PRIOR_DEVIATION = 0.8;
/** Changes of the shape that a fit tries, each up and down, by a factor of about e^0.25 to e^0.75. */
const PROBES = 8;
const STEP = 0.5;
/** A shape is learnt from this many rows at most, half of them the best: its cost grows with the cube of the rows. */
const MAX_SHAPE_ROWS = 100;
/** ... and a prediction, whose cost grows with their square, rests on so many. */
const MAX_ROWS = 160;
const LEAST_VARIANCE = 1e-6;

/** `rng` says which parts of the shape a fit tries to improve. */
export function createGaussianModel(features: readonly Feature[], rng: Rng): GaussianModel {
  const prior = priorShape(features.length);
  let shape = prior;
  return {
    fit(rows) {
      if (rows.length === 0) throw new RangeError('no Gaussian process from no rows');
      shape = improveShape(features, chooseRows(rows, MAX_SHAPE_ROWS), shape, prior, rng);
      const kept = chooseRows(rows, MAX_ROWS);
      return condition(solveRows(features, kept, shape), kept);
    },
  };
}

function priorShape(count: number): Shape {
  const { reach, amplitude, additiveOdds, roughness } = PRIOR;
  const rest = [amplitude, additiveOdds, roughness];
  return Float64Array.from({ length: count + rest.length }, (_, at) => Math.log(rest[at - count] ?? reach));
}

/** The best half, and the others evenly by their rank. */
function chooseRows(rows: readonly GaussianRow[], limit: number): readonly GaussianRow[] {
  if (rows.length <= limit) return rows;
  const half = limit / 2;
  const sorted = rows.toSorted((a, b) => b.target - a.target);
  const stride = (rows.length - half) / half;
  const others = Array.from({ length: half }, (_, index) => sorted[half + Math.floor(index * stride)]!);
  return [...sorted.slice(0, half), ...others];
}

/** Single parts moved at random, kept where the rows become more likely. */
function improveShape(
  features: readonly Feature[],
  rows: readonly GaussianRow[],
  start: Shape,
  prior: Shape,
  rng: Rng,
): Shape {
  let shape = start;
  let most = evidence(features, rows, shape, prior);
  for (let probe = 0; probe < PROBES; probe++) {
    const at = rng.int(shape.length);
    const way = rng.next() < 0.5 ? 1 : -1;
    for (const sign of [way, -way]) {
      const moved = shape.slice();
      moved[at]! += sign * STEP * (0.5 + rng.next());
      const value = evidence(features, rows, moved, prior);
      if (value <= most) continue;
      most = value;
      shape = moved;
      break;
    }
  }
  return shape;
}

/** Logarithm of the marginal likelihood times the prior, but for a constant. */
function evidence(features: readonly Feature[], rows: readonly GaussianRow[], shape: Shape, prior: Shape): number {
  const { logDeterminant, misfit } = solveRows(features, rows, shape);
  const strain = shape.reduce((sum, value, at) => sum + ((value - prior[at]!) / PRIOR_DEVIATION) ** 2, 0);
  return -0.5 * (misfit + logDeterminant + strain);
}

interface Kernel {
  readonly amplitude: number;
  between(a: Uint16Array, b: Uint16Array): number;
}

/** A mean of the knobs' likenesses, for what adds up, and their product, for what acts together. */
function kernelOf(features: readonly Feature[], shape: Shape, variance: number): Kernel {
  const count = features.length;
  const tables = features.map((feature, at) => likenessTable(feature, Math.exp(shape[at]!)));
  const sizes = Uint16Array.from(features, ({ levelCount }) => levelCount);
  const amplitude = variance * Math.exp(shape[count]!);
  const odds = Math.exp(shape[count + 1]!);
  const [sumPart, productPart] = [(amplitude * odds) / (1 + odds) / Math.max(1, count), amplitude / (1 + odds)];
  return {
    amplitude,
    between(a, b) {
      let sum = 0;
      let product = 1;
      for (let at = 0; at < count; at++) {
        const likeness = tables[at]![a[at]! * sizes[at]! + b[at]!]!;
        sum += likeness;
        product *= likeness;
      }
      return sumPart * sum + productPart * product;
    },
  };
}

/** By level and level: 1 for the same, falling with the square of the distance. */
function likenessTable({ levelCount, isOrdered }: Feature, reach: number): Float64Array {
  return Float64Array.from({ length: levelCount * levelCount }, (_, at) => {
    const [a, b] = [Math.floor(at / levelCount), at % levelCount];
    if (a === b) return 1;
    const distance = isOrdered ? (a - b) / (levelCount - 1) : STRANGER_DISTANCE;
    return Math.exp(-0.5 * (distance / reach) ** 2);
  });
}

interface Solved {
  /** Rows of the lower Cholesky factor of the rows' covariance. */
  readonly factor: readonly Float64Array[];
  /** What each row adds to a prediction, by its likeness. */
  readonly shares: Float64Array;
  readonly mean: number;
  readonly kernel: Kernel;
  readonly logDeterminant: number;
  readonly misfit: number;
}

function solveRows(features: readonly Feature[], rows: readonly GaussianRow[], shape: Shape): Solved {
  const mean = rows.reduce((sum, { target }) => sum + target, 0) / rows.length;
  const variance = rows.reduce((sum, { target }) => sum + (target - mean) ** 2, 0) / rows.length + 1e-4;
  const kernel = kernelOf(features, shape, variance);
  const factor = factorize(rows, kernel, Math.exp(shape[features.length + 2]!));
  const shares = Float64Array.from(rows, ({ target }) => target - mean);
  let misfit = 0;
  let logDeterminant = 0;
  for (const [row, line] of factor.entries()) {
    let sum = shares[row]!;
    for (let k = 0; k < row; k++) sum -= line[k]! * shares[k]!;
    shares[row] = sum / line[row]!;
    misfit += shares[row]! ** 2;
    logDeterminant += 2 * Math.log(line[row]!);
  }
  for (let row = rows.length - 1; row >= 0; row--) {
    let sum = shares[row]!;
    for (let k = row + 1; k < rows.length; k++) sum -= factor[k]![row]! * shares[k]!;
    shares[row] = sum / factor[row]![row]!;
  }
  return { factor, shares, mean, kernel, logDeterminant, misfit };
}

/** Cholesky; the diagonal carries each row's own noise and what no smooth function explains. */
function factorize(rows: readonly GaussianRow[], kernel: Kernel, roughness: number): Float64Array[] {
  const factor: Float64Array[] = [];
  for (const { levels, error } of rows) {
    const row = factor.length;
    const line = new Float64Array(row + 1);
    for (let column = 0; column < row; column++) {
      const other = factor[column]!;
      let sum = kernel.between(levels, rows[column]!.levels);
      for (let k = 0; k < column; k++) sum -= line[k]! * other[k]!;
      line[column] = sum / other[column]!;
    }
    let rest = kernel.between(levels, levels) + roughness * roughness + error * error;
    for (let k = 0; k < row; k++) rest -= line[k]! ** 2;
    line[row] = Math.sqrt(Math.max(rest, 1e-9));
    factor.push(line);
  }
  return factor;
}

function condition({ factor, shares, mean, kernel }: Solved, rows: readonly GaussianRow[]): GaussianProcess {
  const explained = new Float64Array(rows.length);
  return {
    predict(levels) {
      let sum = mean;
      let variance = kernel.amplitude;
      for (let row = 0; row < rows.length; row++) {
        const line = factor[row]!;
        const likeness = kernel.between(levels, rows[row]!.levels);
        sum += shares[row]! * likeness;
        let rest = likeness;
        for (let k = 0; k < row; k++) rest -= line[k]! * explained[k]!;
        explained[row] = rest / line[row]!;
        variance -= explained[row]! ** 2;
      }
      return { mean: sum, variance: Math.max(LEAST_VARIANCE, variance) };
    },
  };
}
