/**
 * How a study spends its budget: what the search gets, what is kept for confirmation, how long levels are, and what the
 * budget is too small for. Pure arithmetic.
 */
import { type Nanos, nanos, seconds } from '../../common/units.js';
import type { StudyPlan } from '../../record/study-record.js';
import { ENOUGH_ROUNDS, MAX_FINALISTS, planRounds } from '../confirmation/confirmation-plan.js';

/** Share of the budget kept for confirmation; more where a small budget would not give a proof at all. */
const CONFIRMATION_SHARE = 0.4;
const MAX_CONFIRMATION_SHARE = 0.6;
/** What confirmation needs at least, and what it can use at most: trials and the length of their levels. */
const LEAST = { trials: 6, level: seconds(1) };
const MOST = { trials: 40, level: seconds(4) };

const SEARCH_LEVEL_SHARE = 1 / 30;
const MIN_SEARCH_LEVEL = seconds(1);
const MAX_SEARCH_LEVEL = seconds(3);

/** Starting and stopping a server, as long as nothing was measured. */
export const FIRST_OVERHEAD = seconds(1);

/** More variants than this are not counted. */
export const COUNTED_VARIANTS = 100_000;

/** Longest time of a level in the search: about 2 s for a budget of a minute. */
export const searchLevelDuration = (budget: Nanos): Nanos =>
  nanos(Math.min(MAX_SEARCH_LEVEL, Math.max(MIN_SEARCH_LEVEL, budget * SEARCH_LEVEL_SHARE)));

/** Kept for confirmation when a trial costs `overhead` beside its level. */
export function confirmationReserve(budget: Nanos, overhead: Nanos): Nanos {
  const cost = ({ trials, level }: typeof LEAST): number => trials * (overhead + level);
  const wanted = Math.max(CONFIRMATION_SHARE * budget, Math.min(MAX_CONFIRMATION_SHARE * budget, cost(LEAST)));
  return nanos(Math.min(wanted, cost(MOST)));
}

export interface PlannedStudy {
  readonly budget: Nanos;
  /** Of the budget, used before the first trial or by earlier parts of the study. */
  readonly used: Nanos;
  readonly levelDuration: Nanos;
  readonly overhead: Nanos;
  /** Beside the default; `COUNTED_VARIANTS` stands for that many or more. */
  readonly variantCount: number;
  /** Search trials that an earlier part of the study finished. */
  readonly trialsDone?: number;
}

export function planStudy(study: PlannedStudy): StudyPlan {
  const { budget, used, levelDuration, overhead, variantCount, trialsDone = 0 } = study;
  const reserve = confirmationReserve(budget, overhead);
  const search = Math.max(0, budget - used - reserve);
  const affordable = trialsDone + Math.max(1, Math.floor(search / (overhead + levelDuration)));
  const expectedTrials = Math.min(affordable, 1 + variantCount);
  const isSearchedWhole = affordable > variantCount;
  // What a small space leaves of the search's time goes to confirmation too.
  const spare = isSearchedWhole ? search - Math.max(0, expectedTrials - trialsDone) * (overhead + levelDuration) : 0;
  const confirmation = nanos(Math.min(budget - used, reserve + spare));
  const rounds = planRounds(Math.min(MAX_FINALISTS, variantCount), confirmation, overhead);
  return {
    searchNs: nanos(budget - confirmation),
    confirmationNs: confirmation,
    levelNs: levelDuration,
    expectedTrials,
    variantCount: variantCount >= COUNTED_VARIANTS ? null : variantCount,
    finalists: rounds?.finalistCount ?? 0,
    rounds: rounds?.rounds ?? 0,
    leftOut: describeLeftOut(study, { affordable, isSearchedWhole, rounds }),
  };
}

interface Fit {
  readonly affordable: number;
  readonly isSearchedWhole: boolean;
  readonly rounds: ReturnType<typeof planRounds>;
}

function describeLeftOut({ budget, levelDuration, overhead, variantCount }: PlannedStudy, fit: Fit): string[] {
  const leftOut: string[] = [];
  if (!fit.isSearchedWhole) {
    const all = variantCount >= COUNTED_VARIANTS ? `${COUNTED_VARIANTS} and more` : String(variantCount);
    const whole = budgetForAll(variantCount, levelDuration, overhead);
    const remedy =
      whole === undefined || whole <= budget ? '' : `; all of them would take about ${describeTime(whole)}`;
    leftOut.push(`variants: there is time for about ${fit.affordable - 1} of ${all}${remedy}`);
  }
  const { rounds } = fit;
  if (rounds === undefined) {
    leftOut.push('confirmation: there is no time for even two rounds, so nothing can be recommended');
  } else if (rounds.rounds < ENOUGH_ROUNDS || rounds.finalistCount < Math.min(MAX_FINALISTS, variantCount)) {
    const finalists = rounds.finalistCount === 1 ? '1 finalist' : `${rounds.finalistCount} finalists`;
    leftOut.push(
      `confirmation: ${rounds.rounds} rounds of ${finalists} instead of ${ENOUGH_ROUNDS} of ${Math.min(MAX_FINALISTS, variantCount)}`,
    );
  }
  return leftOut;
}

const describeTime = (time: Nanos): string =>
  time < seconds(120) ? `${Math.ceil(time / seconds(1))} s` : `${Math.ceil(time / seconds(60))} min`;

/** Undefined where that is no time anyone would spend. */
function budgetForAll(variantCount: number, levelDuration: Nanos, overhead: Nanos): Nanos | undefined {
  if (variantCount >= COUNTED_VARIANTS) return undefined;
  const search = (1 + variantCount) * (overhead + levelDuration);
  const confirmation = Math.min(
    MOST.trials * (overhead + MOST.level),
    (search * CONFIRMATION_SHARE) / (1 - CONFIRMATION_SHARE),
  );
  return nanos(search + confirmation);
}

/**
 * How many knobs a budget has time for, where a variant moves two of them on average: fewer than `knobCount` means that
 * the last ones of the table, which pay least often, are better left as they are.
 */
export function affordableKnobs(budget: Nanos, used: Nanos, knobCount: number): number {
  const { expectedTrials } = planStudy({
    budget,
    used,
    levelDuration: searchLevelDuration(budget),
    overhead: FIRST_OVERHEAD,
    variantCount: COUNTED_VARIANTS,
  });
  return Math.min(knobCount, Math.max(2, 2 * (expectedTrials - 1)));
}
