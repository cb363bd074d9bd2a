/** What the confirmation rounds prove: the gain of each finalist over the default, and which finalist, if any, wins. */
import { pairedGain } from '../../measure/statistics/compare.js';
import { knobs, scopeOfValue } from '../knobs/knobs.js';
import type { Objective } from '../objectives/objective.js';
import type { Gain } from '../results/recommendation.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { Variant } from '../variants/variants.js';

/** Variants closer than this are equal; the one with fewer changes is preferred, above all the default, which has none. */
export const EQUAL_WITHIN = 0.02;
/** Memory closer than this is equal: it differs as much between two runs of one variant. */
const SAME_MEMORY_WITHIN = 0.05;
/** An interval needs at least two pairs. */
const MIN_PAIRS = 2;
/** After a few rounds a finalist this much behind (in relative terms) may still turn out the best. */
const STILL_OPEN_WITHIN = 0.05;

/** One round: every variant once, in the same order, close together in time. */
export type Round = readonly FinishedTrial[];

export interface FinalistVerdict {
  readonly variant: Variant;
  /** Above 1 is better, in either direction of the objective; undefined with fewer than two usable pairs. */
  readonly gain: Gain | undefined;
  /** Why it cannot be recommended; null when it can. */
  readonly objection: string | null;
  /** The most that its server was seen to take in confirmation; undefined where it was not watched. */
  readonly memoryBytes: number | undefined;
}

export interface Decision {
  readonly verdicts: readonly FinalistVerdict[];
  readonly portable: FinalistVerdict | undefined;
  /** Only when it uses what only the bundled engine honours, and wins over `portable`. */
  readonly engine: FinalistVerdict | undefined;
  /** The default missed a limit, so a finalist that keeps all limits wins whatever its gain. */
  readonly isDefaultInfeasible: boolean;
}

/** Decides from confirmation alone; search scores favour the lucky and are not looked at. */
export function decide(finalists: readonly Variant[], rounds: readonly Round[], objective: Objective): Decision {
  const { verdicts, isDefaultInfeasible } = judgeAll(finalists, rounds, objective);
  const proven = verdicts.filter(({ objection }) => objection === null);
  // Who was given up on the way, for others that did better, is chosen only where those failed.
  const countOf = ({ variant }: FinalistVerdict): number => rounds.filter((round) => trialOf(round, variant.id)).length;
  const choose = (from: readonly FinalistVerdict[]): FinalistVerdict | undefined => {
    const most = Math.max(...from.map(countOf));
    // The last round may have been cut short.
    return preferred(
      from.filter((verdict) => countOf(verdict) >= most - 1),
      rounds,
      objective,
    );
  };
  const portable = choose(proven.filter(({ variant }) => isPortable(variant)));
  const overall = choose(proven);
  return { verdicts, portable, engine: overall === portable ? undefined : overall, isDefaultInfeasible };
}

function judgeAll(
  finalists: readonly Variant[],
  rounds: readonly Round[],
  objective: Objective,
): Pick<Decision, 'verdicts' | 'isDefaultInfeasible'> {
  const defaults = rounds.flatMap((round) => trialOf(round, 'default') ?? []);
  const missed = defaults.filter(({ record }) => record.state === 'infeasible').length;
  const isDefaultInfeasible = defaults.length > 0 && missed > defaults.length / 2;
  const verdicts = finalists.map((variant) => judgeFinalist(variant, rounds, objective, isDefaultInfeasible));
  return { verdicts, isDefaultInfeasible };
}

const trialOf = (round: Round, id: string): FinishedTrial | undefined => round.find(({ variant }) => variant.id === id);

export const isPortable = (variant: Variant): boolean =>
  variant.members?.every((member) => isPortable(member.variant)) ??
  knobs.every(
    (knob) =>
      !variant.changed.includes(knob.name) || scopeOfValue(knob, variant.parameters[knob.name] ?? '') === 'portable',
  );

function judgeFinalist(
  variant: Variant,
  rounds: readonly Round[],
  objective: Objective,
  isDefaultInfeasible: boolean,
): FinalistVerdict {
  const own = rounds.flatMap((round) => trialOf(round, variant.id) ?? []);
  const gain = gainOf(pairsOf(variant, 'default', rounds, objective));
  // A trial that was cut off for want of time says nothing about the variant; its round is just not counted.
  const spoiled = own.find(({ record: { state } }) => state === 'failed' || state === 'infeasible');
  const limited = own.filter(({ isClientLimited }) => isClientLimited).length;
  const objection = ((): string | null => {
    if (spoiled !== undefined) return `${spoiled.record.state} in confirmation: ${spoiled.record.reason ?? ''}`;
    if (limited > 0 && limited >= own.length / 2) return 'the load generator was the limit in confirmation';
    if (gain === undefined || gain.low === null) return 'too few rounds that can be compared with the default';
    if (isDefaultInfeasible) return null;
    if (gain.low <= 1) return 'its interval does not exclude that it is no better than the default';
    return gain.value < 1 + EQUAL_WITHIN ? 'it is within 2 % of the default' : null;
  })();
  return { variant, gain, objection, memoryBytes: mostMemory(own) };
}

interface Pair {
  readonly baseline: number;
  readonly candidate: number;
}

/** Rounds in which both sides have a number that the server, not the load generator, is answerable for. */
function pairsOf(variant: Variant, otherId: string, rounds: readonly Round[], objective: Objective): Pair[] {
  return rounds.flatMap((round) => {
    const [base, own] = [trialOf(round, otherId), trialOf(round, variant.id)];
    if (base?.value === undefined || own?.value === undefined || base.isClientLimited || own.isClientLimited) return [];
    if (own.record.state !== 'complete') return [];
    // A latency that halves is a gain of 2.
    return objective.direction === 'maximize'
      ? [{ baseline: base.value, candidate: own.value }]
      : [{ baseline: own.value, candidate: base.value }];
  });
}

/**
 * Whom further rounds are worth where there is time for few: the one that would be chosen now, the one that a Triton
 * honours in full, and, once there is nothing left to prove of that, who is not clearly behind.
 */
export function worthMoreRounds(
  finalists: readonly Variant[],
  rounds: readonly Round[],
  objective: Objective,
): readonly Variant[] {
  const { verdicts, isDefaultInfeasible } = judgeAll(finalists, rounds, objective);
  const usable = verdicts.filter(({ gain }) => gain !== undefined);
  const leader = preferred(usable, rounds, objective);
  if (leader === undefined) return finalists;
  const portable = preferred(
    usable.filter(({ variant }) => isPortable(variant)),
    rounds,
    objective,
  );
  const isProven = isDefaultInfeasible || leader.objection === null;
  return finalists.filter((variant) => {
    if (variant === leader.variant || variant === portable?.variant) return true;
    return isProven && (gainOver(variant, leader.variant, rounds, objective) ?? 0) >= 1 - STILL_OPEN_WITHIN;
  });
}

/** How many times as good as the other, in the rounds that both were in; undefined where there is none. */
function gainOver(variant: Variant, other: Variant, rounds: readonly Round[], objective: Objective) {
  const pairs = pairsOf(variant, other.id, rounds, objective);
  return pairs.length === 0 ? undefined : pairedGain(pairs).value;
}

function gainOf(pairs: readonly Pair[]): Gain | undefined {
  if (pairs.length < MIN_PAIRS) return undefined;
  const { value, low, high } = pairedGain([...pairs]);
  return { value, low, high };
}

function mostMemory(trials: readonly FinishedTrial[]): number | undefined {
  const known = trials.map(({ record }) => record.memoryBytes ?? null).filter((bytes) => bytes !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The largest gain; among equals, as the rounds of both show them, the least memory, then the fewest changes. */
function preferred(
  field: readonly FinalistVerdict[],
  rounds: readonly Round[],
  objective: Objective,
): FinalistVerdict | undefined {
  const gainValue = ({ gain }: FinalistVerdict): number => gain?.value ?? 0;
  const [top] = field.toSorted((a, b) => gainValue(b) - gainValue(a));
  if (top === undefined) return undefined;
  const equals = field.filter((verdict) => {
    if (verdict === top) return true;
    const ratio = gainOver(verdict.variant, top.variant, rounds, objective) ?? gainValue(verdict) / gainValue(top);
    return ratio >= 1 - EQUAL_WITHIN;
  });
  const least = Math.min(...equals.map(({ memoryBytes = Number.POSITIVE_INFINITY }) => memoryBytes));
  const small = equals.filter(
    ({ memoryBytes = Number.POSITIVE_INFINITY }) => memoryBytes <= least * (1 + SAME_MEMORY_WITHIN),
  );
  return small.toSorted(
    (a, b) => a.variant.changed.length - b.variant.changed.length || gainValue(b) - gainValue(a),
  )[0];
}
