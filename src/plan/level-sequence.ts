/**
 * Which concurrency or request rate to measure next: an ask/tell sequence over what has been measured so far. Pure
 * arithmetic; how a level is measured, and what a level costs, is not known here.
 */
import { largestOf } from '../common/append-all.js';
import type { Nanos } from '../common/units.js';
import type { LevelSequence } from './load-plan.js';

/** What one measured level showed. */
export interface LevelPoint {
  /** Concurrency or request rate. */
  readonly value: number;
  /** Inferences a second; 0 when nothing succeeded. */
  readonly throughput: number;
  /** The latency that the limit speaks of, in nanoseconds; undefined when no request succeeded, which counts as past any limit. */
  readonly latencyNs: number | undefined;
  /** True where an open loop offered more than was served: a higher rate can only wait longer. */
  readonly isOverloaded?: boolean;
}

export interface LevelSequenceOptions {
  readonly latencyLimit?: Nanos | undefined;
}

/** The sequences that go by measured points alone; the peak search is one of its own (peak-search.ts). */
export type SteppingSequence = Exclude<LevelSequence, { readonly kind: 'peak' }>;

export interface LevelAsker {
  /** The next value, or undefined at the end; the same answer until `tell` is called for it. */
  next(): number | undefined;
  tell(value: number, result: Omit<LevelPoint, 'value'>): void;
  /** Levels known to come, the one `next` names included; refinements count once they are decided. */
  remainingCount(): number;
}

/** Extra levels that an adaptive sequence may spend near the knee. */
export const MAX_REFINEMENTS = 3;
/** Where a range without an end stops whatever was measured; a concurrency may not be higher. */
const OPEN_END = 65_536;
/** A point belongs to the plateau when it reaches this share of the best throughput. */
const PLATEAU_SHARE = 0.95;
/** A doubling that brings less than this factor has not grown. */
const GROWTH_FACTOR = 1.05;
/** Doublings without growth before a passed latency limit ends the climb. */
const FLAT_DOUBLINGS = 2;
/** A last doubling that still brings more than this factor has no knee within the range. */
const STEEP_FACTOR = 1.25;

/** 1, 2, 4 ... from `start`, and `end` itself whether or not a doubling meets it. */
export function doublings(start: number, end: number): readonly number[] {
  const values: number[] = [];
  for (let value = start; value < end; value *= 2) values.push(value);
  return [...values, end];
}

/**
 * Starts a sequence. Stepped: each value in order; the first level past the latency limit ends it. Adaptive: doublings
 * (see `nextAdaptive`), then at most three refinements. Binary search: see `nextBisection`.
 */
export function createLevelSequence(sequence: SteppingSequence, options: LevelSequenceOptions = {}): LevelAsker {
  const points: LevelPoint[] = [];
  const next = (): number | undefined => nextLevel(sequence, points, options.latencyLimit);
  return {
    next,
    tell(value, result) {
      points.push({ value, ...result });
    },
    remainingCount() {
      const upcoming = next();
      if (upcoming === undefined) return 0;
      return Math.max(1, plannedCount(sequence) - points.length);
    },
  };
}

function plannedCount(sequence: SteppingSequence): number {
  switch (sequence.kind) {
    case 'stepped':
      return sequence.values.length;
    case 'adaptive':
      return doublings(sequence.start, sequence.end).length;
    case 'open-ended':
      return 1;
    case 'binary-search':
      return 2 + Math.max(0, Math.ceil(Math.log2((sequence.end - sequence.start) / sequence.step)));
  }
}

/** The next level for `points`, which lie in the order in which they were measured; undefined at the end. */
export function nextLevel(
  sequence: SteppingSequence,
  points: readonly LevelPoint[],
  latencyLimit?: Nanos | undefined,
): number | undefined {
  if (sequence.kind === 'adaptive') return nextAdaptive(sequence.start, sequence.end, points, latencyLimit);
  if (sequence.kind === 'binary-search') return nextBisection(sequence, points, latencyLimit);
  const last = points.at(-1);
  if (last !== undefined && isPast(last, latencyLimit)) return undefined;
  if (sequence.kind === 'stepped') return sequence.values[points.length];
  const { start, step } = sequence;
  const value = step === undefined ? start * 2 ** points.length : start + step * points.length;
  return value <= OPEN_END ? value : undefined;
}

/**
 * perf_analyzer's binary search: the start must hold and the end must not; then the middle of what holds and what does
 * not, until they are no further apart than the step. Concurrencies and rates that began whole stay whole.
 */
function nextBisection(
  { start, end, step }: SteppingSequence & { readonly kind: 'binary-search' },
  points: readonly LevelPoint[],
  latencyLimit: Nanos | undefined,
): number | undefined {
  if (points.length === 0) return start;
  let [low, high] = [start, end];
  for (const [index, point] of points.entries()) {
    const holds = !isPast(point, latencyLimit);
    if ((index === 0 && !holds) || (index === 1 && holds)) return undefined;
    if (index < 2) continue;
    if (holds) low = point.value;
    else high = point.value;
  }
  if (points.length === 1) return end > start ? end : undefined;
  if (!(high - low > step)) return undefined;
  const isWhole = [start, end, step].every(Number.isInteger);
  const middle = isWhole ? Math.floor((low + high) / 2) : (low + high) / 2;
  return middle > low && middle < high ? middle : undefined;
}

/**
 * Climbs by doublings up to `end`. The climb ends early only when the last level is past the latency limit and
 * throughput has not grown over two doublings, because batching can make a higher level both faster and later. An
 * overloaded open loop ends it at once.
 */
function nextAdaptive(
  start: number,
  end: number,
  points: readonly LevelPoint[],
  latencyLimit: Nanos | undefined,
): number | undefined {
  const climb = doublings(start, end);
  const climbed = points.slice(0, climb.length);
  const climbEnd = climbed.findIndex((_, index) => isClimbOver(climbed.slice(0, index + 1), latencyLimit)) + 1;
  const climbCount = climbEnd === 0 ? climb.length : climbEnd;
  if (points.length < climbCount) return climb[points.length];
  if (points.length - climbCount >= MAX_REFINEMENTS) return undefined;
  return refinement(
    [...points].sort((a, b) => a.value - b.value),
    latencyLimit,
  );
}

function isClimbOver(climbed: readonly LevelPoint[], latencyLimit: Nanos | undefined): boolean {
  const last = climbed.at(-1);
  if (last?.isOverloaded === true) return true;
  const before = climbed.at(-1 - FLAT_DOUBLINGS);
  if (last === undefined || before === undefined || !isPast(last, latencyLimit)) return false;
  return climbed.slice(-FLAT_DOUBLINGS).every(({ throughput }) => throughput < before.throughput * GROWTH_FACTOR);
}

/** Where to look closer, in the wider of the gaps next to the knee, or between the last level within the limit and the first past it. */
function refinement(sorted: readonly LevelPoint[], latencyLimit: Nanos | undefined): number | undefined {
  const firstPast = sorted.findIndex((point) => isPast(point, latencyLimit));
  if (firstPast > 0) return middle(sorted[firstPast - 1], sorted[firstPast]);
  const knee = kneeIndex(sorted);
  if (firstPast === 0 || knee === undefined) return undefined;
  const below = middle(sorted[knee - 1], sorted[knee]);
  const above = middle(sorted[knee], sorted[knee + 1]);
  if (below === undefined || above === undefined) return below ?? above;
  const at = sorted[knee]!.value;
  return sorted[knee + 1]!.value / at > at / sorted[knee - 1]!.value ? above : below;
}

/** The lowest level on the plateau; undefined when throughput still climbs steeply at the end, or nothing succeeded. */
function kneeIndex(sorted: readonly LevelPoint[]): number | undefined {
  const best = largestOf(sorted.map(({ throughput }) => throughput));
  if (!(best > 0)) return undefined;
  const knee = sorted.findIndex(({ throughput }) => throughput >= best * PLATEAU_SHARE);
  const isLast = knee === sorted.length - 1;
  const isSteep = isLast && knee > 0 && sorted[knee]!.throughput > sorted[knee - 1]!.throughput * STEEP_FACTOR;
  return isSteep ? undefined : knee;
}

/** The whole number halfway between two neighbours, if one lies between them; rates below 2 a second have fractions. */
function middle(low: LevelPoint | undefined, high: LevelPoint | undefined): number | undefined {
  if (low === undefined || high === undefined) return undefined;
  const half = (low.value + high.value) / 2;
  if (![low.value, high.value].every(Number.isInteger)) return high.value > low.value * 1.05 ? half : undefined;
  return high.value - low.value < 2 ? undefined : Math.floor(half);
}

const isPast = (point: LevelPoint, limit: Nanos | undefined): boolean =>
  limit !== undefined && (point.latencyNs === undefined || point.latencyNs > limit);
