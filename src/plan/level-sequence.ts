/**
 * Which concurrency to measure next: an ask/tell sequence over what has been measured so far. Pure arithmetic; how a
 * level is measured, and what a level costs, is not known here.
 */
import type { Nanos } from '../common/units.js';
import type { LevelSequence } from './load-plan.js';

/** What one measured level showed. */
export interface LevelPoint {
  readonly concurrency: number;
  /** Inferences a second; 0 when nothing succeeded. */
  readonly throughput: number;
  /** The latency that the limit speaks of, in nanoseconds; undefined when no request succeeded, which counts as past any limit. */
  readonly latencyNs: number | undefined;
}

export interface LevelSequenceOptions {
  readonly latencyLimit?: Nanos | undefined;
}

export interface LevelAsker {
  /** The next concurrency, or undefined at the end; the same answer until `tell` is called for it. */
  next(): number | undefined;
  tell(concurrency: number, result: { readonly throughput: number; readonly latencyNs: number | undefined }): void;
  /** Levels known to come, the one `next` names included; refinements count once they are decided. */
  remainingCount(): number;
}

/** Extra levels that an adaptive sequence may spend near the knee. */
export const MAX_REFINEMENTS = 3;
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
 * (see `nextAdaptive`), then at most three refinements.
 */
export function createLevelSequence(sequence: LevelSequence, options: LevelSequenceOptions = {}): LevelAsker {
  const points: LevelPoint[] = [];
  const next = (): number | undefined => nextLevel(sequence, points, options.latencyLimit);
  return {
    next,
    tell(concurrency, { throughput, latencyNs }) {
      points.push({ concurrency, throughput, latencyNs });
    },
    remainingCount() {
      const upcoming = next();
      if (upcoming === undefined) return 0;
      const values = sequence.kind === 'stepped' ? sequence.values : doublings(sequence.start, sequence.end);
      return Math.max(1, values.length - points.length);
    },
  };
}

/** The next level for `points`, which lie in the order in which they were measured; undefined at the end. */
export function nextLevel(
  sequence: LevelSequence,
  points: readonly LevelPoint[],
  latencyLimit?: Nanos | undefined,
): number | undefined {
  if (sequence.kind === 'adaptive') return nextAdaptive(sequence.start, sequence.end, points, latencyLimit);
  const last = points.at(-1);
  if (last !== undefined && isPast(last, latencyLimit)) return undefined;
  return sequence.values[points.length];
}

/**
 * Climbs by doublings up to `end`. The climb ends early only when the last level is past the latency limit and
 * throughput has not grown over two doublings, because batching can make a higher level both faster and later.
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
    [...points].sort((a, b) => a.concurrency - b.concurrency),
    latencyLimit,
  );
}

function isClimbOver(climbed: readonly LevelPoint[], latencyLimit: Nanos | undefined): boolean {
  const last = climbed.at(-1);
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
  const at = sorted[knee]!.concurrency;
  return sorted[knee + 1]!.concurrency / at > at / sorted[knee - 1]!.concurrency ? above : below;
}

/** The lowest level on the plateau; undefined when throughput still climbs steeply at the end, or nothing succeeded. */
function kneeIndex(sorted: readonly LevelPoint[]): number | undefined {
  const best = Math.max(...sorted.map(({ throughput }) => throughput));
  if (!(best > 0)) return undefined;
  const knee = sorted.findIndex(({ throughput }) => throughput >= best * PLATEAU_SHARE);
  const isLast = knee === sorted.length - 1;
  const isSteep = isLast && knee > 0 && sorted[knee]!.throughput > sorted[knee - 1]!.throughput * STEEP_FACTOR;
  return isSteep ? undefined : knee;
}

/** The whole number halfway between two neighbours, if one lies between them. */
function middle(low: LevelPoint | undefined, high: LevelPoint | undefined): number | undefined {
  if (low === undefined || high === undefined || high.concurrency - low.concurrency < 2) return undefined;
  return Math.floor((low.concurrency + high.concurrency) / 2);
}

const isPast = (point: LevelPoint, limit: Nanos | undefined): boolean =>
  limit !== undefined && (point.latencyNs === undefined || point.latencyNs > limit);
