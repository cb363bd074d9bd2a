/**
 * What a level's verdict is made of, the same wherever a level is judged or read: was it usable at all, was it steady,
 * was the load generator the limit, and which share of its requests failed.
 */
export interface VerdictAxes {
  /** The level lasted long enough and nothing drifted: its figures would come again. Never of an INVALID level. */
  readonly isSteady: boolean;
  /** The load generator was the limit, so the figures are lower bounds of what the server does. */
  readonly isClientLimited: boolean;
}

/** The word for both axes of a level that is not INVALID. */
export function verdictOf({ isSteady, isClientLimited }: VerdictAxes): 'VALID' | 'UNSTABLE' | 'CLIENT_LIMITED' {
  if (!isSteady) return 'UNSTABLE';
  return isClientLimited ? 'CLIENT_LIMITED' : 'VALID';
}

/** Reasons why a level is not steady; a CLIENT_LIMITED level of an older record may carry them too. */
const unsteadyCodes: ReadonlySet<string> = new Set([
  'INTERRUPTED',
  'WARM_UP_NOT_OVER',
  'DRIFT',
  'TARGET_MISSED',
  'TOO_FEW_REQUESTS',
  'OVERLOADED',
  'LATENCY_LIMIT',
  'WINDOWS_DISAGREE',
  'UNFINISHED',
]);

/** Both axes of a level whose record was written before they were kept. */
export function olderAxes(level: {
  readonly verdict?: unknown;
  readonly warnings?: unknown;
  readonly endReason?: unknown;
}): VerdictAxes {
  const warnings: readonly { readonly code?: string }[] = Array.isArray(level.warnings) ? level.warnings : [];
  const isUnsteady =
    level.endReason === 'interrupted' || warnings.some((warning) => unsteadyCodes.has(warning?.code ?? ''));
  const isClientLimited = level.verdict === 'CLIENT_LIMITED';
  return { isSteady: level.verdict === 'VALID' || (isClientLimited && !isUnsteady), isClientLimited };
}

interface CountedLevel {
  readonly errorCount: number;
  readonly mismatchCount: number | null;
  readonly requestCount: number;
  readonly warmupRequestCount: number;
  readonly errorRatio?: number | null | undefined;
}

/** Share of a level's requests, warm-up included, that failed or were answered wrongly; undefined where none ended. */
export function errorRatioOf(level: CountedLevel): number | undefined {
  if (level.errorRatio !== undefined) return level.errorRatio ?? undefined;
  const { errorCount, mismatchCount, requestCount, warmupRequestCount } = level;
  return shareOfFailed(requestCount + warmupRequestCount, errorCount, mismatchCount ?? 0);
}

/** `answeredCount` counts wrong answers too; undefined for no requests. */
export function shareOfFailed(answeredCount: number, errorCount: number, mismatchCount = 0): number | undefined {
  const total = answeredCount + errorCount;
  return total === 0 ? undefined : Math.min(1, (errorCount + mismatchCount) / total);
}
