/** The variants of a study, best first: their trials taken together and set beside the default. */
import { largestOf } from '../common/append-all.js';
import { type Bounded, NO_VALUE } from '../common/format.js';
import type { Verdict } from '../record/run-record.js';
import type { StudyRecord, TrialRecord, TrialState } from '../record/study-record.js';
import { pool, readMetric } from './metric-value.js';

export interface RankedVariant {
  readonly variantId: string;
  readonly isDefault: boolean;
  readonly isRecommended: boolean;
  readonly state: TrialState;
  /** Confirmed trials it was measured in. */
  readonly confirmationCount: number;
  /** Geometric mean over the confirmed trials where there are any, else over the search's; bounds span those trials. */
  readonly score: Bounded;
  /** How much better than the default, as a factor, from paired rounds where there are some; null where one of both has no score. */
  readonly gain: number | null;
  /** The highest of its trials; percentiles of several runs are not averaged. */
  readonly p99Ns: number | null;
  readonly concurrency: number | null;
  readonly verdict: Verdict | null;
  /** The load generator was the limit of its last trial. */
  readonly isLowerBound: boolean;
  /** Knobs that differ from the default, `name value`, separated by commas. */
  readonly changes: string;
  readonly reason: string | null;
}

const stateOrder: readonly TrialState[] = ['complete', 'infeasible', 'pruned', 'failed'];

const highest = (values: readonly number[]): number | null => (values.length === 0 ? null : largestOf(values));

/**
 * Confirmed variants in order of score, then those of the search alone, whose single runs favour the lucky, then those
 * without a complete trial.
 */
export function rankVariants(record: StudyRecord): RankedVariant[] {
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of record.trials) {
    const known = groups.get(trial.variantId);
    if (known === undefined) groups.set(trial.variantId, [trial]);
    else known.push(trial);
  }
  const reference = groups.get('default');
  const referenceScore = reference === undefined ? record.default.score : summarizeScore(record, reference).value;
  const variants = [...groups].map(([id, trials]) =>
    describeVariant(record, id, trials, reference?.[0], referenceScore),
  );
  const isMaximized = record.objective.direction === 'maximize';
  return variants.sort((a, b) => {
    const byState = stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state);
    if (byState !== 0) return byState;
    const byProof = Number(b.confirmationCount > 0) - Number(a.confirmationCount > 0);
    if (byProof !== 0) return byProof;
    const difference = (a.score.value ?? 0) - (b.score.value ?? 0);
    return isMaximized ? -difference : difference;
  });
}

/** The trials that speak for a variant: confirmation before search. */
function decisiveTrials(trials: readonly TrialRecord[]): readonly TrialRecord[] {
  const scored = trials.filter((trial) => trial.state === 'complete' && trial.score !== null);
  const confirmed = scored.filter((trial) => trial.phase === 'confirmation');
  return confirmed.length > 0 ? confirmed : scored;
}

function summarizeScore(record: StudyRecord, trials: readonly TrialRecord[]): Bounded {
  return pool(decisiveTrials(trials).map((trial) => trialScore(record, trial)));
}

/** One trial's score, with the interval of the level it comes from where that is of this metric. */
export function trialScore({ objective }: StudyRecord, trial: TrialRecord): Bounded {
  const { low, high } = readMetric(trial, objective.metric);
  return { value: trial.score, low, high };
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
  const paired =
    record.confirmed?.find((finalist) => finalist.variantId === variantId)?.gain ??
    [portable, engine].find((candidate) => candidate?.id === variantId)?.gain;
  return {
    variantId,
    isDefault: variantId === 'default',
    isRecommended: portable?.id === variantId || engine?.id === variantId,
    state: decisive.length > 0 ? 'complete' : last.state,
    confirmationCount: decisive.filter((trial) => trial.phase === 'confirmation').length,
    score,
    gain:
      paired?.value ??
      (ratio === null || ratio === 0 ? null : record.objective.direction === 'maximize' ? ratio : 1 / ratio),
    p99Ns: highest((decisive.length > 0 ? decisive : [last]).flatMap((trial) => trial.level?.latencyNs?.p99 ?? [])),
    concurrency: last.level?.load.kind === 'closed' ? last.level.load.concurrency : null,
    verdict: last.level?.verdict ?? null,
    isLowerBound: last.level?.isClientLimited === true,
    changes: describeChanges(last, reference),
    reason: last.reason,
  };
}

/** The unchanged model's first trial. */
export const defaultTrial = ({ trials }: StudyRecord): TrialRecord | undefined =>
  trials.find((trial) => trial.variantId === 'default');

/** Knobs that are not as in the default; all of them where the default was not measured. */
export const changedKnobs = (
  trial: TrialRecord,
  reference: TrialRecord | undefined,
): [knob: string, value: string | number | boolean][] =>
  Object.entries(trial.parameters).filter(([knob, value]) => reference?.parameters[knob] !== value);

/** `instance_count 2, graph_level basic`; empty for the default. */
export const describeChanges = (trial: TrialRecord, reference: TrialRecord | undefined): string =>
  changedKnobs(trial, reference)
    .map(([knob, value]) => `${knob} ${value}`)
    .join(', ');

/** Knob values, other than the default's, that all of `trials` have: `instance_count 4, graph_level basic`. */
export function commonSettings(record: StudyRecord, trials: readonly TrialRecord[]): string {
  const [first, ...others] = trials;
  if (trials.some(({ variantId }) => variantId === 'default')) return NO_VALUE;
  const common = changedKnobs(first!, defaultTrial(record)).filter(([knob, value]) =>
    others.every((trial) => trial.parameters[knob] === value),
  );
  return common.length === 0 ? NO_VALUE : common.map(([knob, value]) => `${knob} ${value}`).join(', ');
}
