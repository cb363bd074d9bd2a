/** Puts what perf_analyzer would report in place of a level's own figures: those of the last three windows, merged. */
import type { Instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { WindowRule } from '../../plan/load-plan.js';
import { verdictOf } from '../../record/level-judgement.js';
import type { LatencySummary, LevelRecord, Warning } from '../../record/run-record.js';
import { accountAnew } from '../server/latency-parts.js';
import {
  cutWindows,
  judgeWindows,
  meanOfSamples,
  mergeWindows,
  nearestPercentile,
  standardDeviation,
  type WindowDecision,
  type WindowFigures,
} from './window-stability.js';

export interface WindowedSamples {
  readonly rule: WindowRule;
  readonly columns: RequestColumns;
  /** The first intended start. */
  readonly begin: Instant;
  /** When sending ended. */
  readonly end: Instant;
}

/** Reasons that belong to the other way of judging, and say nothing where windows decide. */
const confidenceCodes = ['WARM_UP_NOT_OVER', 'DRIFT', 'TARGET_MISSED', 'TOO_FEW_REQUESTS'];

/** `level` itself where no window was completed. What made it INVALID, or the generator its limit, stays. */
export function summarizeWindows(level: LevelRecord, samples: WindowedSamples): LevelRecord {
  const { rule, begin, end, columns } = samples;
  const isCounted = level.endReason === 'request-count' || level.endReason === 'schedule-over';
  const windows = isCounted ? oneWindow(columns, begin, end, rule) : cutWindows(columns, begin, end, rule);
  const merged = mergeWindows(windows, rule);
  if (merged === undefined || merged.requestCount === 0) return level;
  const decision: WindowDecision = isCounted ? { kind: 'stable' } : judgeWindows(windows, rule);
  const rate = merged.requestsPerSec;
  const latencyNs = toSummary(merged.latenciesNs);
  const { warnings, ...account } = accountAnew(level, latencyNs.mean);
  const reasons = warnings.filter(({ code }) => !confidenceCodes.includes(code));
  const isStable = decision.kind === 'stable' || decision.kind === 'throughput-only';
  const judged = describeDecision(decision, windows.length, rule);
  const isUsable = level.verdict !== 'INVALID';
  const isSteady = isUsable && isStable && level.endReason !== 'interrupted';
  return {
    ...level,
    ...account,
    verdict: isUsable ? verdictOf({ ...level, isSteady }) : level.verdict,
    isSteady,
    // What led to the verdict goes first.
    warnings: isUsable ? [...judged, ...reasons] : [...reasons, ...judged],
    throughputPerSec: { value: rate * level.load.batchSize, low: null, high: null },
    requestsPerSec: rate,
    latencyNs,
    // Three windows allow no honest interval.
    latencyIntervalNs: null,
    ...(level.otherPercentile && {
      otherPercentile: {
        percentile: level.otherPercentile.percentile,
        latencyNs: Math.round(nearestPercentile(merged.latenciesNs, level.otherPercentile.percentile) ?? 0),
        intervalNs: null,
      },
    }),
    requestCount: merged.requestCount,
    durationNs: merged.to - merged.from,
    warmupNs: merged.from - begin,
    windowed: {
      isStable,
      standardDeviationNs: Math.round(standardDeviation(merged.latenciesNs)),
      percentile:
        rule.percentile === undefined
          ? null
          : { percentile: rule.percentile, latencyNs: nearestPercentile(merged.latenciesNs, rule.percentile) ?? 0 },
      windows: windows.map((window) => ({
        startNs: window.from - begin,
        endNs: window.to - begin,
        requestCount: window.requestCount,
        requestsPerSec: window.requestsPerSec,
        latencyNs: window.latencyNs ?? null,
        standardDeviationNs: Math.round(standardDeviation(window.latenciesNs)),
      })),
    },
  };
}

/** An exact number of requests is one window, from the first start to the last answer. */
function oneWindow(columns: RequestColumns, begin: Instant, end: Instant, rule: WindowRule): WindowFigures[] {
  const last = columns.receivedNs[columns.length - 1] ?? end;
  const interval = (Math.max(1, last - begin) / 1.2) as typeof rule.interval;
  return cutWindows(columns, begin, (last + 1) as Instant, { ...rule, kind: 'time', interval, maxWindows: 1 });
}

function toSummary(sorted: Float64Array): LatencySummary {
  const at = (percentile: number): number => Math.round(nearestPercentile(sorted, percentile) ?? 0);
  return {
    mean: Math.round(meanOfSamples(sorted) ?? 0),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p99_9: at(99.9),
    max: at(100),
  };
}

function describeDecision({ kind }: WindowDecision, count: number, rule: WindowRule): Warning[] {
  const limit = `${Number((rule.stabilityRatio * 100).toPrecision(3))} %`;
  switch (kind) {
    case 'stable':
      return [];
    case 'throughput-only':
      return [
        {
          code: 'LATENCY_NOT_STABLE',
          message: 'Request latency is not stabilizing; throughput alone agrees within the last three windows.',
        },
      ];
    case 'over-limit':
      return [
        {
          code: 'LATENCY_LIMIT',
          message: 'A window passed the latency limit, so the level ended before it was stable.',
        },
      ];
    case 'continue':
    case 'not-stable':
      return [
        {
          code: 'WINDOWS_DISAGREE',
          message: `The last three of ${count} windows differ by more than ${limit}; try a longer --measurement-interval, a larger --stability-percentage or --measurement-mode count_windows.`,
        },
      ];
  }
}
