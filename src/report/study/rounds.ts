/** The confirmation of a study as its rounds: what was measured close together, and the gain in each pair. */
import type { Bounded } from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';

export interface ConfirmationRound {
  /** From 1. */
  readonly number: number;
  readonly trials: ReadonlyMap<string, TrialRecord>;
}

export interface Finalist {
  readonly variantId: string;
  readonly isRecommended: boolean;
  /** One a round; null where the round has no pair that compares. */
  readonly gains: readonly (number | null)[];
  /** Over the default in all rounds; null where there is none. */
  readonly gain: Bounded | null;
  /** Why it is not recommended; null where it could be, or where the record does not say. */
  readonly objection: string | null;
}

/** In the order they ran. Records without numbered rounds have them by the default, which every round begins with. */
export function confirmationRounds({ trials }: StudyRecord): ConfirmationRound[] {
  const rounds = new Map<number, Map<string, TrialRecord>>();
  let counted = -1;
  for (const trial of trials) {
    if (trial.phase !== 'confirmation') continue;
    if (trial.variantId === 'default' || counted < 0) counted++;
    const index = trial.round ?? counted;
    const round = rounds.get(index) ?? new Map<string, TrialRecord>();
    round.set(trial.variantId, trial);
    rounds.set(index, round);
  }
  return [...rounds.values()].map((round, index) => ({ number: index + 1, trials: round }));
}

/** The finalists in the order in which they were chosen; empty where nothing was confirmed. */
export function findFinalists(record: StudyRecord, rounds = confirmationRounds(record)): Finalist[] {
  const { portable, engine } = record.recommended;
  const measured = [...new Set(rounds.flatMap(({ trials }) => [...trials.keys()]))].filter((id) => id !== 'default');
  const ids = record.confirmed?.map(({ variantId }) => variantId) ?? measured;
  return ids.map((variantId) => {
    const told = record.confirmed?.find((finalist) => finalist.variantId === variantId);
    const recommended = [portable, engine].find((candidate) => candidate?.id === variantId);
    const gains = rounds.map((round) => gainIn(record, round, variantId));
    return {
      variantId,
      isRecommended: recommended !== undefined,
      gains,
      gain: told?.gain ?? recommended?.gain ?? meanGain(gains),
      objection: told?.objection ?? null,
    };
  });
}

/** Above 1 is better, in either direction of the objective. */
function gainIn({ objective }: StudyRecord, { trials }: ConfirmationRound, variantId: string): number | null {
  const pair = [trials.get('default'), trials.get(variantId)];
  const [base, own] = pair.map((trial) => trial?.score);
  if (!base || !own || pair.some((trial) => trial !== undefined && isLowerBound(trial))) return null;
  return objective.direction === 'maximize' ? own / base : base / own;
}

/** Geometric mean without an interval. */
function meanGain(gains: readonly (number | null)[]): Bounded | null {
  const logs = gains.flatMap((gain) => (gain === null ? [] : Math.log(gain)));
  if (logs.length === 0) return null;
  return { value: Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length), low: null, high: null };
}

/** Whether the load generator was the limit. Records of before this was kept say so in the reason alone. */
export const isLowerBound = ({ isLowerBound: isBound, reason }: TrialRecord): boolean =>
  isBound ?? reason?.startsWith('client limited') === true;
