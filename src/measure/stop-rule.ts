/**
 * When a level may end: a pure decision from what has been measured so far. Precision is looked at a few times only, at
 * growing distances and with a stricter interval, because looking often and stopping at a lucky moment flatters.
 */
import { outcomeCodes } from '../client/outcome.js';
import { after, elapsed, type Instant, instant, type Nanos, nanos } from '../common/units.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule, WindowRule } from '../plan/load-plan.js';
import {
  driftOf,
  type MeasuredWindow,
  missedTargets,
  openWindow,
  type Precision,
  precisionOf,
} from './windows/measured-window.js';
import { isVaried, requestsTogether } from './windows/requests-together.js';
import { cutWindows, judgeWindows } from './windows/window-stability.js';

/** A closed level may last this many times as long where not even one request a slot has ended by then. */
const MOST_STRETCH = 3;
const MAX_LOOKS = 8;
const LOOK_GROWTH = 1.3;
/** Chance that an interval misses the truth, shared out over the looks. */
const ALPHA = 0.05;

export type StopDecision =
  /** `precision` is what the latest look showed, if there was one in this decision. */
  | { readonly kind: 'continue'; readonly nextLook: number; readonly precision: Precision | undefined }
  /** The window ends at `until`, where that look ended, so that the level is judged by what ended it. */
  | { readonly kind: 'target-met'; readonly precision: Precision; readonly until: Instant }
  | { readonly kind: 'time-over' }
  /** Nothing but failures up to the first look: more time would show more of them. */
  | { readonly kind: 'failed' };

export interface StopInput {
  readonly columns: RequestColumns;
  readonly rule: StopRule;
  readonly level: LoadLevel;
  readonly begin: Instant;
  readonly now: Instant;
  /** Looks that lie behind: 0 at first, then `nextLook` of the decision before. */
  readonly looksDone: number;
}

/**
 * Instants, since the level began, at which precision is looked at: from the least duration on, each 1.3 times the one before or
 * more, so that with the end at the greatest duration there are at most eight.
 */
export function planLooks(rule: StopRule): readonly Nanos[] {
  const first = Math.min(rule.minDuration, rule.maxDuration);
  const growth = Math.max(LOOK_GROWTH, (rule.maxDuration / first) ** (1 / (MAX_LOOKS - 1)));
  const looks: Nanos[] = [];
  for (let at = first; at < rule.maxDuration && looks.length < MAX_LOOKS - 1; at *= growth) looks.push(nanos(at));
  return looks;
}

/** Whether the level goes on, as of `now`. */
export function decideStop({ columns, rule, level, begin, now, looksDone }: StopInput): StopDecision {
  const time = elapsed(begin, now);
  if (time >= rule.maxDuration && !isWorthWaiting(rule, level, columns, time)) return { kind: 'time-over' };
  if (rule.windows !== undefined) return stopByWindows(rule.windows, columns, begin, now);
  const looks = planLooks(rule);
  const due = looks.filter((look) => look <= time).length;
  if (due <= looksDone) return { kind: 'continue', nextLook: looksDone, precision: undefined };
  if (isAllFailed(columns)) return { kind: 'failed' };
  const together = requestsTogether(level, columns);
  const settled = settledInstant(columns, now, together);
  if (settled <= begin) return { kind: 'continue', nextLook: due, precision: undefined };
  const window = openWindow(columns, begin, settled, together, isVaried(level));
  const precision = precisionOf(window, 1 - ALPHA / (looks.length + 1));
  if (isPreciseEnough(window, rule, columns.length)) return { kind: 'target-met', precision, until: settled };
  return { kind: 'continue', nextLook: due, precision };
}

/** Whether a look at `window` ends its level: precise enough, past its warm-up, and nothing drifts. */
export function isPreciseEnough(window: MeasuredWindow, rule: StopRule, requestCount: number): boolean {
  const precision = precisionOf(window, 1 - ALPHA / (planLooks(rule).length + 1));
  const isEnough = requestCount >= (rule.minRequestCount ?? 0);
  const isMet = isEnough && missedTargets(precision, rule.targetHalfWidth).length === 0;
  return isMet && window.isWarmUpOver && driftOf(window) === undefined;
}

/** Requests that take longer than the level would leave nothing to measure. */
function isWorthWaiting(rule: StopRule, level: LoadLevel, { length }: RequestColumns, time: Nanos): boolean {
  const hasNoRound = level.kind === 'closed' && length < level.concurrency;
  return hasNoRound && rule.windows === undefined && time < MOST_STRETCH * rule.maxDuration;
}

/** When the next look is due, or the end. */
export function nextLookInstant(rule: StopRule, begin: Instant, looksDone: number): Instant {
  return after(begin, planLooks(rule)[looksDone] ?? rule.maxDuration);
}

/**
 * Up to when all requests have very likely ended: `now` less the longest of the latest latencies. What is still in
 * flight is unknown here, and counting it as nothing would bend the end of every rate down.
 */
function settledInstant(columns: RequestColumns, now: Instant, together: number): Instant {
  let longest = 0;
  for (let row = Math.max(0, columns.length - 4 * together); row < columns.length; row++) {
    longest = Math.max(longest, columns.receivedNs[row]! - columns.intendedNs[row]!);
  }
  return instant(now - longest);
}

function isAllFailed({ length, outcomes }: RequestColumns): boolean {
  return length > 0 && !outcomes.includes(outcomeCodes.ok);
}

/** The windows say when; between them there is nothing to look at. */
function stopByWindows(rule: WindowRule, columns: RequestColumns, begin: Instant, now: Instant): StopDecision {
  const windows = cutWindows(columns, begin, now, rule);
  const last = windows.at(-1);
  if (last === undefined) return { kind: 'continue', nextLook: MAX_LOOKS, precision: undefined };
  if (isAllFailed(columns)) return { kind: 'failed' };
  const { kind } = judgeWindows(windows, rule);
  if (kind === 'continue') return { kind: 'continue', nextLook: MAX_LOOKS, precision: undefined };
  if (kind === 'over-limit' || kind === 'not-stable') return { kind: 'time-over' };
  const precision = { throughput: undefined, latencyMean: undefined, latencyP99: undefined };
  return { kind: 'target-met', precision, until: last.to };
}
