/** What a binary search came to, from its levels in the order in which they were measured. */
import type { LevelSequence, LoadPlan } from '../plan/load-plan.js';
import type { SearchRecord } from '../record/search-record.js';
import { isOverloaded } from './peak/judge-rate.js';
import { limitInterval, limitMetric } from './peak/limit-latency.js';
import type { LevelBase, MeasuredLevel } from './run-levels.js';

type BinarySearch = LevelSequence & { readonly kind: 'binary-search' };

/** One level of a search. */
export interface SearchedLevel {
  readonly value: number;
  readonly holds: boolean;
  /** False where the level was not steady and its latency may lie on the other side of the limit. */
  readonly isSure: boolean;
}

/** A level on which too much failed holds nothing, however fast its answers were; nor does one that was ended by the limit. */
export function judgeSearched(value: number, { level, latencyNs }: MeasuredLevel, plan: LoadPlan): SearchedLevel {
  const limit = plan.latencyLimit ?? Infinity;
  const isUsable = level.verdict !== 'INVALID' && latencyNs !== undefined && level.endReason !== 'latency-limit';
  const holds = isUsable && latencyNs <= limit;
  if (!isUsable || level.isSteady || (!holds && isOverloaded(level))) return { value, holds, isSure: true };
  const interval = limitInterval(level, plan.latencyPercentile);
  const isSure = interval !== null && level.windowed === undefined && (interval[1] <= limit || interval[0] > limit);
  return { value, holds, isSure };
}

export interface SearchCourse {
  readonly levels: readonly SearchedLevel[];
  readonly isInterrupted: boolean;
}

/** The record of a search that has ended, for whatever reason. */
export function searchResult(
  plan: LoadPlan,
  { start, end, step }: BinarySearch,
  base: LevelBase,
  { levels, isInterrupted }: SearchCourse,
): SearchRecord {
  const highest = levels.filter(({ holds }) => holds).reduce<SearchedLevel | undefined>(higher, undefined);
  const lowest = levels.filter(({ holds }) => !holds).reduce<SearchedLevel | undefined>(lower, undefined);
  const unsure = levels.filter((level) => !isSettled(level, levels)).map(({ value }) => value);
  const isAtEnd = start >= end ? levels.length > 0 : levels.some(({ value }) => value === end);
  const kindOf = (): SearchRecord['result'] => {
    if (isInterrupted) return 'interrupted';
    if (unsure.length > 0) return 'undecided';
    if (highest === undefined) return 'none-holds';
    return lowest === undefined && isAtEnd ? 'all-hold' : 'found';
  };
  return {
    load: plan.load.kind === 'closed' ? 'concurrency' : 'request_rate',
    batchSize: base.batchSize,
    ...(base.shapes !== undefined && { shapes: base.shapes }),
    latencyLimitNs: plan.latencyLimit ?? null,
    metric: limitMetric(plan.latencyPercentile),
    start,
    end,
    step,
    result: kindOf(),
    highestHeld: highest?.value ?? null,
    lowestFailed: lowest?.value ?? null,
    unsteady: unsure,
  };
}

/** What holds surely at more, holds here too; what surely fails at less, fails here. */
const isSettled = ({ value, holds, isSure }: SearchedLevel, levels: readonly SearchedLevel[]): boolean =>
  isSure ||
  levels.some((other) => other.isSure && other.holds === holds && (holds ? other.value > value : other.value < value));

const higher = (best: SearchedLevel | undefined, next: SearchedLevel): SearchedLevel =>
  best === undefined || next.value > best.value ? next : best;
const lower = (best: SearchedLevel | undefined, next: SearchedLevel): SearchedLevel =>
  best === undefined || next.value < best.value ? next : best;
