/** From a pair's rounds to its figures. */
import type { AccuracyMetrics } from '../check/accuracy.js';
import { varianceOf } from '../measure/statistics/batch-means.js';
import { pairedGain } from '../measure/statistics/compare.js';
import { meanOf } from '../measure/statistics/percentile.js';
import { twoSidedT } from '../measure/statistics/student-t.js';
import type { Estimate } from '../record/run-record.js';
import { type ChosenPair, isReference } from './choose-pairs.js';
import type { ComparedPair, PairRound } from './runtime-comparison.js';

const CONFIDENCE = 0.95;

/** What is known of a pair while rounds go on. */
export interface PairLog {
  readonly pair: ChosenPair;
  /** By the number of the round. */
  readonly rounds: Map<number, PairRound>;
  accuracy: AccuracyMetrics | null;
  nodes: Readonly<Record<string, number>> | null;
  reason: string | null;
}

export function summarizePair(log: PairLog, reference: PairLog | undefined): ComparedPair {
  const rounds = [...log.rounds.values()];
  const { runtime, provider } = log.pair;
  return {
    runtime,
    provider,
    state: rounds.length > 0 ? 'complete' : 'failed',
    reason: log.reason,
    isReference: isReference(log.pair),
    throughputPerSec: meanOfRounds(rounds.map(({ throughputPerSec }) => throughputPerSec)),
    latencyP50Ns: meanOfRounds(rounds.map(({ latencyP50Ns }) => latencyP50Ns)),
    latencyP99Ns: meanOfRounds(rounds.map(({ latencyP99Ns }) => latencyP99Ns)),
    throughputRatio: ratioOf(log, reference),
    accuracy: log.accuracy,
    nodes: log.nodes,
    rounds,
  };
}

/** Mean -+ t(k-1) sd / sqrt(k) over the rounds, each an engine of its own; null for no rounds, no interval for one. */
export function meanOfRounds(values: readonly number[]): Estimate | null {
  if (values.length === 0) return null;
  const samples = Float64Array.from(values);
  const value = meanOf(samples);
  if (samples.length === 1) return { value, low: null, high: null };
  const reach = twoSidedT(CONFIDENCE, samples.length - 1) * Math.sqrt(varianceOf(samples) / samples.length);
  return { value, low: Math.max(0, value - reach), high: value + reach };
}

/** Only rounds that both have are compared. */
function ratioOf({ rounds }: PairLog, reference: PairLog | undefined): Estimate | null {
  const pairs = [...rounds].flatMap(([round, own]) => {
    const base = reference?.rounds.get(round);
    return base === undefined ? [] : [{ baseline: base.throughputPerSec, candidate: own.throughputPerSec }];
  });
  return pairs.length === 0 ? null : pairedGain(pairs);
}
