/** What the confirmation rounds prove: the gain of each finalist over the default, and which finalist, if any, wins. */
import { pairedGain } from '../../measure/statistics/compare.js';
import { knobs, scopeOfValue } from '../knobs/knobs.js';
import type { Objective } from '../objectives/objective.js';
import type { Gain } from '../results/recommendation.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { Variant } from '../variants/variants.js';

/** Variants closer than this are equal; the one with fewer changes is preferred, above all the default, which has none. */
export const EQUAL_WITHIN = 0.02;
/** While more than this may be gained, nothing is called no better. */
export const WORTH_HAVING = 0.1;
/** Memory closer than this is equal: it differs as much between two runs of one variant. */
const SAME_MEMORY_WITHIN = 0.05;
/** An interval needs at least two pairs, and is too wide to prove anything with two. */
const MIN_PAIRS = 2;
const PROVING_PAIRS = 3;
/** Chance of a false winner among all that were confirmed. */
const FAMILY_ERROR = 0.05;
/** p99s closer than this are equal. */
const SAME_P99_WITHIN = 0.1;
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
  /** The gain that all rounds exclude, for all finalists together; undefined where nothing does. */
  readonly excludedGain: number | undefined;
  /** Rounds that compare it with the default. */
  readonly pairCount: number;
  /** Of its rounds, those in which the load generator was the limit. */
  readonly limitedCount: number;
  /** The most that its server was seen to take in confirmation; undefined where it was not watched. */
  readonly memoryBytes: number | undefined;
  /** Median of its rounds; undefined where none was measured. */
  readonly p99Ns: number | undefined;
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
  const pairs = new Map(finalists.map((variant) => [variant.id, pairsOf(variant, 'default', rounds, objective)]));
  const proven = provenTogether(pairs);
  const verdicts = finalists.map((variant) =>
    judgeFinalist(variant, rounds, {
      pairs: pairs.get(variant.id) ?? [],
      familySize: finalists.length,
      isProven: proven.has(variant.id),
      isDefaultInfeasible,
    }),
  );
  return { verdicts, isDefaultInfeasible };
}

/**
 * Ids of those whose gain is above 1 with all confirmed variants taken together, by Holm's procedure: the surest must
 * hold at 1 - 0.05/m, the next at 1 - 0.05/(m-1), ... until one does not. Each at 95% by itself would make a false winner
 * of the best of three in up to 7% of the studies.
 */
function provenTogether(pairs: ReadonlyMap<string, readonly Pair[]>): ReadonlySet<string> {
  const usable = [...pairs].filter(([, own]) => own.length >= PROVING_PAIRS);
  // Whoever holds at a higher confidence is the surer one.
  const holdsAt = (own: readonly Pair[], count: number): boolean =>
    (pairedGain([...own], 1 - FAMILY_ERROR / count).low ?? 0) > 1;
  const proven = new Set<string>();
  for (let left = pairs.size; left > 0; left--) {
    const next = usable.find(([id, own]) => !proven.has(id) && holdsAt(own, left));
    if (next === undefined) break;
    proven.add(next[0]);
  }
  return proven;
}

const trialOf = (round: Round, id: string): FinishedTrial | undefined => round.find(({ variant }) => variant.id === id);

export const isPortable = (variant: Variant): boolean =>
  variant.members?.every((member) => isPortable(member.variant)) ??
  knobs.every(
    (knob) =>
      !variant.changed.includes(knob.name) || scopeOfValue(knob, variant.parameters[knob.name] ?? '') === 'portable',
  );

interface Evidence {
  readonly pairs: readonly Pair[];
  /** Finalists that were confirmed in all. */
  readonly familySize: number;
  readonly isProven: boolean;
  readonly isDefaultInfeasible: boolean;
}

function judgeFinalist(
  variant: Variant,
  rounds: readonly Round[],
  { pairs, familySize, isProven, isDefaultInfeasible }: Evidence,
): FinalistVerdict {
  const own = rounds.flatMap((round) => trialOf(round, variant.id) ?? []);
  const gain = gainOf(pairs);
  // A trial that was cut off for want of time says nothing about the variant; its round is just not counted.
  const spoiled = own.find(({ record: { state } }) => state === 'failed' || state === 'infeasible');
  const limited = own.filter(({ isClientLimited }) => isClientLimited).length;
  const objection = ((): string | null => {
    if (spoiled !== undefined) return `${spoiled.record.state} in confirmation: ${spoiled.record.reason ?? ''}`;
    if (limited > 0 && limited >= own.length / 2) return 'the load generator was the limit in confirmation';
    // To keep the limits time and again is all that is asked where the default does not.
    if (isDefaultInfeasible && gain !== undefined) return null;
    if (gain === undefined || gain.low === null || pairs.length < PROVING_PAIRS)
      return `too few rounds that can be compared with the default (${pairs.length} of the ${PROVING_PAIRS} that are needed)`;
    if (gain.low <= 1) return 'its interval does not exclude that it is no better than the default';
    if (!isProven) return `its gain is not sure enough for the best of ${familySize} finalists`;
    return gain.value < 1 + EQUAL_WITHIN ? 'it is within 2% of the default' : null;
  })();
  return {
    variant,
    gain,
    objection,
    excludedGain:
      spoiled === undefined && pairs.length >= PROVING_PAIRS
        ? (pairedGain([...pairs], 1 - FAMILY_ERROR / familySize).high ?? undefined)
        : undefined,
    pairCount: pairs.length,
    limitedCount: limited,
    memoryBytes: mostMemory(own),
    p99Ns: medianP99(own),
  };
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
  const first = (field: readonly FinalistVerdict[]): FinalistVerdict | undefined =>
    field.toSorted((a, b) => (b.gain?.value ?? 0) - (a.gain?.value ?? 0))[0];
  const leader = first(usable);
  if (leader === undefined) return finalists;
  const portable = first(usable.filter(({ variant }) => isPortable(variant)));
  const isProven = isDefaultInfeasible || (leader.gain?.low ?? 0) > 1;
  return finalists.filter((variant) => {
    if (variant === leader.variant || variant === portable?.variant) return true;
    return isProven && (ratioOver(variant, leader.variant, rounds, objective)?.value ?? 0) >= 1 - STILL_OPEN_WITHIN;
  });
}

/** How many times as good as the other, in the rounds that both were in; undefined where there is none. */
export function ratioOver(variant: Variant, other: Variant, rounds: readonly Round[], objective: Objective) {
  const pairs = pairsOf(variant, other.id, rounds, objective);
  return pairs.length === 0 ? undefined : pairedGain(pairs);
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

/** Median of the rounds that have one. */
export function medianP99(trials: readonly FinishedTrial[]): number | undefined {
  const known = trials.flatMap(({ record: { level } }) => level?.latencyNs?.p99 ?? []).toSorted((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
}

/**
 * The largest gain; among equals, as the rounds of both show them, the fewest changes, then the lowest p99, then the
 * least memory. Equal is also who is a little behind while the rounds do not tell the two apart.
 */
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
    const { value, high } = ratioOver(verdict.variant, top.variant, rounds, objective) ?? {
      value: gainValue(verdict) / gainValue(top),
      high: null,
    };
    return value >= 1 - EQUAL_WITHIN || (value >= 1 - STILL_OPEN_WITHIN && high !== null && high >= 1);
  });
  const lowest = (
    from: readonly FinalistVerdict[],
    read: (verdict: FinalistVerdict) => number | undefined,
    within: number,
  ): readonly FinalistVerdict[] => {
    const values = from.map((verdict) => read(verdict) ?? Number.POSITIVE_INFINITY);
    const least = Math.min(...values);
    return from.filter((_, index) => values[index]! <= least * (1 + within));
  };
  const simple = lowest(equals, ({ variant }) => variant.changed.length, 0);
  const quick = lowest(simple, ({ p99Ns }) => p99Ns, SAME_P99_WITHIN);
  const small = lowest(quick, ({ memoryBytes }) => memoryBytes, SAME_MEMORY_WITHIN);
  return small.toSorted((a, b) => gainValue(b) - gainValue(a))[0];
}
