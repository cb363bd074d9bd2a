/** What the finished trials of a study tell as a whole: which knobs mattered, what their values did, and how the best came. */
import { nanos } from '../../common/units.js';
import type { FinalistRecord, StudyRecord } from '../../record/study-record.js';
import type { FinalistVerdict } from '../confirmation/confirmation-verdict.js';
import { type KnobImportance, knobImportance } from '../strategies/knob-importance.js';
import type { SearchSpace, Strategy } from '../strategies/strategy.js';
import { isBetter } from '../trials/trial-order.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';

/** Fields are absent where the trials were too few to tell. */
export function findFindings(
  space: SearchSpace,
  trials: readonly FinishedTrial[],
  strategy: Strategy,
  seed: number,
): Pick<StudyRecord, 'importance' | 'mainEffects' | 'bestSoFar' | 'remainingGain'> {
  const searched = trials.filter(({ record, isClientLimited }) => record.phase === 'search' && !isClientLimited);
  const tried = searched.map(({ variant, result }) => ({ parameters: variant.parameters, result }));
  const found = knobImportance(space, tried, seed);
  const remaining = strategy.remainingGain?.();
  return {
    ...(found.length > 0 && { importance: found.map(toShare), mainEffects: effectsOf(found, searched) }),
    bestSoFar: traceBest(searched),
    ...(remaining !== undefined && Number.isFinite(remaining) && { remainingGain: Math.max(0, remaining) }),
  };
}

const toShare = ({ name, share }: KnobImportance) => ({
  knob: name,
  share: share.value,
  low: share.low,
  high: share.high,
});

function effectsOf(found: readonly KnobImportance[], trials: readonly FinishedTrial[]): StudyRecord['mainEffects'] {
  const complete = trials.filter(({ record }) => record.state === 'complete');
  return found.map(({ name, effects }) => ({
    knob: name,
    values: effects.map(({ value, gain }) => ({
      value,
      gain: gain.value,
      low: gain.low,
      high: gain.high,
      count: complete.filter(({ variant }) => variant.parameters[name] === value).length,
    })),
  }));
}

function traceBest(trials: readonly FinishedTrial[]): NonNullable<StudyRecord['bestSoFar']> {
  let best: FinishedTrial | undefined;
  const steps: NonNullable<StudyRecord['bestSoFar']> = [];
  for (const trial of trials) {
    const { record } = trial;
    if (record.state !== 'complete' || record.score === null) continue;
    if (best !== undefined && !isBetter(trial.result, best.result)) continue;
    best = trial;
    const elapsedNs = nanos((record.startedNs ?? 0) + record.durationNs);
    steps.push({ elapsedNs, trialId: record.id, score: record.score });
  }
  return steps;
}

export const describeFinalist = ({ variant, gain, objection, memoryBytes }: FinalistVerdict): FinalistRecord => ({
  variantId: variant.id,
  gain: gain ?? null,
  objection,
  memoryBytes: memoryBytes ?? null,
});
