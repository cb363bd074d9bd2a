/**
 * Which of a level's samples its figures are made of. The rules are those of the summary: a request belongs to a window by its
 * intended start, and where perf_analyzer's windows judge, by its answer.
 */
import type { LevelRecord } from '../../record/run-record.js';
import type { SampleColumns } from '../../record/samples-file.js';

export interface MeasuredRows {
  /** Answered requests of the measured time, in the order of the columns. */
  readonly rows: Uint32Array;
  /** Contiguous windows share a boundary. On the clock of the samples. */
  readonly boundariesNs: readonly number[];
}

interface Span {
  readonly fromNs: number;
  readonly toNs: number;
}

const OK = 1;

export function measuredRows(level: LevelRecord, columns: SampleColumns): MeasuredRows {
  if (columns.length === 0) return { rows: new Uint32Array(), boundariesNs: [] };
  const beginNs = level.clockBeginNs ?? earliest(columns);
  return level.windowed === undefined || level.windowed.windows.length === 0
    ? ofSpans(measuredSpans(level, beginNs), columns)
    : ofWindows(level, level.windowed.windows, columns, beginNs);
}

/** A record of before its begin was kept begins with the first request. */
function earliest({ intendedNs, length }: SampleColumns): number {
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < length; row++) least = Math.min(least, intendedNs[row]!);
  return least;
}

function measuredSpans({ repeat, warmupNs, durationNs }: LevelRecord, beginNs: number): readonly Span[] {
  const spans = repeat?.visits ?? [{ startNs: warmupNs, durationNs }];
  return spans.map((span) => ({
    fromNs: beginNs + span.startNs,
    toNs: beginNs + span.startNs + span.durationNs,
  }));
}

function ofSpans(spans: readonly Span[], { intendedNs, outcomes, length }: SampleColumns): MeasuredRows {
  const rows = new Uint32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    const at = intendedNs[row]!;
    if (outcomes[row] === OK && spans.some(({ fromNs, toNs }) => at >= fromNs && at < toNs)) rows[count++] = row;
  }
  return { rows: rows.subarray(0, count), boundariesNs: boundariesOf(spans) };
}

/** Windows hold the answers in order, without a gap, so counts tell exactly which are in the reported ones. */
function ofWindows(
  level: LevelRecord,
  windows: NonNullable<LevelRecord['windowed']>['windows'],
  { receivedNs, outcomes, length }: SampleColumns,
  beginNs: number,
): MeasuredRows {
  const reported = windows.filter(({ startNs }) => startNs >= level.warmupNs);
  const countOf = (some: typeof windows): number => some.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const skipped = countOf(windows) - countOf(reported);
  const wanted = countOf(reported);
  const rows = new Uint32Array(wanted);
  let seen = 0;
  for (let row = 0; row < length && seen < skipped + wanted; row++) {
    if (outcomes[row] !== OK || receivedNs[row]! < beginNs) continue;
    if (seen >= skipped) rows[seen - skipped] = row;
    seen++;
  }
  const spans = reported.map(({ startNs, endNs }) => ({ fromNs: beginNs + startNs, toNs: beginNs + endNs }));
  return { rows: rows.subarray(0, Math.max(0, seen - skipped)), boundariesNs: boundariesOf(spans) };
}

function boundariesOf(spans: readonly Span[]): number[] {
  const boundaries: number[] = [];
  for (const { fromNs, toNs } of spans) {
    if (boundaries.at(-1) !== fromNs) boundaries.push(fromNs);
    boundaries.push(toNs);
  }
  return boundaries;
}
