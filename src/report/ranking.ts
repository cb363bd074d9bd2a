/** The variants of a study, best first: their trials taken together and set beside the default. */
import type { Bounded } from '../common/format.js';
import type { Verdict } from '../record/run-record.js';
import type { StudyRecord, TrialRecord, TrialState } from '../record/study-record.js';

export interface RankedVariant {
  readonly variantId: string;
  readonly isDefault: boolean;
  readonly isRecommended: boolean;
  readonly state: TrialState;
  /** Confirmed trials it was measured in. */
  readonly confirmationCount: number;
  /** Mean over the confirmed trials where there are any, else over the search's; bounds span those trials. */
  readonly score: Bounded;
  /** How much better than the default, as a factor; null where one of both has no score. */
  readonly gain: number | null;
  /** The highest of its trials; percentiles of several runs are not averaged. */
  readonly p99Ns: number | null;
  readonly concurrency: number | null;
  readonly verdict: Verdict | null;
  /** Knobs that differ from the default, `name value`, separated by commas. */
  readonly changes: string;
  readonly reason: string | null;
}

const stateOrder: readonly TrialState[] = ['complete', 'infeasible', 'pruned', 'failed'];

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

const highest = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));

/** Variants in order of score, those without a complete trial last. */
export function rankVariants(record: StudyRecord): RankedVariant[] {
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of record.trials) groups.set(trial.variantId, [...(groups.get(trial.variantId) ?? []), trial]);
  const reference = groups.get('default');
  const referenceScore = reference === undefined ? record.default.score : summarizeScore(record, reference).value;
  const variants = [...groups].map(([id, trials]) =>
    describeVariant(record, id, trials, reference?.[0], referenceScore),
  );
  const isMaximized = record.objective.direction === 'maximize';
  return variants.sort((a, b) => {
    const byState = stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state);
    if (byState !== 0) return byState;
    const difference = (a.score.value ?? 0) - (b.score.value ?? 0);
    return isMaximized ? -difference : difference;
  });
}

/** The 95 % interval of one trial's score where its level has one for this metric. */
export function scoreBounds(record: StudyRecord, { level }: TrialRecord): readonly [number, number] | null {
  const { metric } = record.objective;
  if (level === null) return null;
  if (metric === 'throughput') {
    const { low, high } = level.throughputPerSec;
    return low === null || high === null ? null : [low, high];
  }
  const statistics = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;
  const statistic = statistics.find((name) => metric === `latency_${name}`);
  return statistic === undefined ? null : (level.latencyIntervalNs?.[statistic] ?? null);
}

/** The trials that speak for a variant: confirmation before search. */
function decisiveTrials(trials: readonly TrialRecord[]): readonly TrialRecord[] {
  const scored = trials.filter((trial) => trial.state === 'complete' && trial.score !== null);
  const confirmed = scored.filter((trial) => trial.phase === 'confirmation');
  return confirmed.length > 0 ? confirmed : scored;
}

function summarizeScore(record: StudyRecord, trials: readonly TrialRecord[]): Bounded {
  const decisive = decisiveTrials(trials);
  const bounds = decisive.map((trial) => scoreBounds(record, trial));
  const complete = bounds.filter((pair): pair is readonly [number, number] => pair !== null);
  const hasBounds = complete.length > 0 && complete.length === bounds.length;
  return {
    value: mean(decisive.map((trial) => trial.score!)),
    low: hasBounds ? Math.min(...complete.map(([low]) => low)) : null,
    high: hasBounds ? Math.max(...complete.map(([, high]) => high)) : null,
  };
}

function describeVariant(
  record: StudyRecord,
  variantId: string,
  trials: readonly TrialRecord[],
  reference: TrialRecord | undefined,
  referenceScore: number | null,
): RankedVariant {
  const decisive = decisiveTrials(trials);
  const last = decisive.at(-1) ?? trials.at(-1)!;
  const score = summarizeScore(record, trials);
  const ratio = score.value === null || !referenceScore ? null : score.value / referenceScore;
  const { portable, engine } = record.recommended;
  return {
    variantId,
    isDefault: variantId === 'default',
    isRecommended: portable?.id === variantId || engine?.id === variantId,
    state: decisive.length > 0 ? 'complete' : last.state,
    confirmationCount: decisive.filter((trial) => trial.phase === 'confirmation').length,
    score,
    gain: ratio === null || ratio === 0 ? null : record.objective.direction === 'maximize' ? ratio : 1 / ratio,
    p99Ns: highest(decisive.flatMap((trial) => trial.level?.latencyNs?.p99 ?? [])),
    concurrency: last.level?.load.kind === 'closed' ? last.level.load.concurrency : null,
    verdict: last.level?.verdict ?? null,
    changes: describeChanges(last, reference),
    reason: last.reason,
  };
}

/** Knobs that are not as in the default; all of them where the default was not measured. */
function describeChanges(trial: TrialRecord, reference: TrialRecord | undefined): string {
  return Object.entries(trial.parameters)
    .filter(([knob, value]) => reference?.parameters[knob] !== value)
    .map(([knob, value]) => `${knob} ${value}`)
    .join(', ');
}
