/** What a study comes to, in one of three sentences: proven better, proven not better, or could not tell and why. */
import { formatDuration } from '../../common/format.js';
import type { Conclusion } from '../../record/study-record.js';
import {
  type Decision,
  type FinalistVerdict,
  medianP99,
  type Round,
  ratioOver,
  WORTH_HAVING,
} from '../confirmation/confirmation-verdict.js';
import type { Objective } from '../objectives/objective.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { Variant } from '../variants/variants.js';

export interface Ending {
  readonly objective: Objective;
  readonly isInterrupted: boolean;
  /** The default's search trial; undefined when an interrupt came before its end. */
  readonly base: FinishedTrial | undefined;
  readonly trials: readonly FinishedTrial[];
  readonly rounds: readonly Round[];
  readonly decision: Decision;
  /** The default and the recommended variant at one load, where theirs differ. */
  readonly equalLoad: EqualLoad | undefined;
}

export interface EqualLoad {
  readonly concurrency: number;
  /** Ratio in the objective, above 1 is better. */
  readonly gain: number;
  readonly p99Ns: number | undefined;
  readonly defaultP99Ns: number | undefined;
}

/** A finalist with this share of the winner's gain and this share of its p99, or fewer changes, is named beside it. */
const NEARLY = 0.85;
const FRACTION_OF_P99 = 0.5;
/** Confirmation needs this many rounds. */
const NEEDED_ROUNDS = 3;
/** Said of a level beside other programs, or on a host that took the CPUs away. */
const busyCodes = ['HOST_BUSY', 'CPU_STEAL', 'CPU_THROTTLED', 'STOOD_STILL'];

export function concludeStudy(ending: Ending): Conclusion {
  const { decision, isInterrupted, base } = ending;
  const winner = decision.portable ?? decision.engine;
  if (winner?.gain !== undefined) return provenBetter(ending, winner, winner.gain);
  if (isInterrupted) return couldNotTell('interrupted', 'the sweep was interrupted', 'go on with --resume');
  if (base === undefined || base.value === undefined) {
    const why = `the default could not be measured (${base?.record.reason ?? 'no reason'}), so there is nothing to compare with`;
    return couldNotTell(
      'default_failed',
      why,
      base?.record.cause === 'timeout' ? 'give a larger --budget' : 'make the unchanged model serve first',
    );
  }
  return provenNotBetter(ending) ?? whyNotTold(ending);
}

const couldNotTell = (cause: NonNullable<Conclusion['cause']>, why: string, remedy: string): Conclusion => ({
  kind: 'could_not_tell',
  cause,
  sentence: `Could not tell whether anything is better than the default: ${why}.`,
  advice: `${capital(remedy)}.`,
});

function provenBetter(ending: Ending, winner: FinalistVerdict, gain: NonNullable<FinalistVerdict['gain']>): Conclusion {
  const { objective, decision, rounds, equalLoad } = ending;
  const { portable, isDefaultInfeasible } = decision;
  const defaultP99 = medianP99(rounds.flatMap((round) => round.filter(({ variant }) => variant.id === 'default')));
  const p99 = `p99 ${formatDuration(winner.p99Ns ?? null)} instead of ${formatDuration(defaultP99 ?? null)}`;
  const isSure = gain.low !== null && gain.low > 1;
  const lead = isDefaultInfeasible && !isSure ? 'Keeps the limits, which the default misses' : 'Proven better';
  const where = portable === undefined ? ', on the bundled engine only' : '';
  const changes = countOf(winner.variant.changed.length, 'changed setting');
  const beside = nameBeside(ending, winner);
  const level =
    equalLoad === undefined
      ? ''
      : `At the same load, ${equalLoad.concurrency} in flight, it is ${ratio(equalLoad.gain)}x the default’s, at p99 ${formatDuration(equalLoad.p99Ns ?? null)} instead of ${formatDuration(equalLoad.defaultP99Ns ?? null)}.`;
  return {
    kind: 'better',
    sentence: `${lead}: ${describeGain(gain, objective)}, ${p99}, with ${changes}${where}.`,
    advice: [level, ...beside.map(({ sentence }) => sentence)].filter(Boolean).join(' '),
    p99Ns: { default: defaultP99 ?? null, recommended: winner.p99Ns ?? null },
    ...(equalLoad !== undefined && {
      equalLoad: {
        concurrency: equalLoad.concurrency,
        gain: equalLoad.gain,
        p99Ns: { default: equalLoad.defaultP99Ns ?? null, recommended: equalLoad.p99Ns ?? null },
      },
    }),
    ...(beside.length > 0 && { beside: beside.map(({ sentence: _, ...facts }) => facts) }),
  };
}

/** Proven finalists that serve nearly as well at a fraction of the p99 or with fewer changes. */
function nameBeside({ decision, rounds, objective }: Ending, winner: FinalistVerdict) {
  return decision.verdicts.flatMap((verdict) => {
    if (verdict === winner || verdict === decision.engine || verdict.objection !== null) return [];
    const share = ratioOver(verdict.variant, winner.variant, rounds, objective)?.value;
    if (share === undefined || share < NEARLY) return [];
    const isQuick = (verdict.p99Ns ?? Number.POSITIVE_INFINITY) <= FRACTION_OF_P99 * (winner.p99Ns ?? 0);
    const isSimple = verdict.variant.changed.length < winner.variant.changed.length;
    if (!isQuick && !isSimple) return [];
    const { variant, p99Ns = null } = verdict;
    const settings = describeSettings(variant);
    const sentence = `${variant.id} has ${Math.round(100 * share)}% of it at p99 ${formatDuration(p99Ns)} with ${countOf(variant.changed.length, 'change')} (${settings}).`;
    return [{ variantId: variant.id, share, p99Ns, changeCount: variant.changed.length, sentence }];
  });
}

/** Where rounds exclude every gain worth having, or nothing that was tried may be used at all. */
function provenNotBetter({ decision, trials, rounds }: Ending): Conclusion | undefined {
  const tried = variantsOf(trials);
  const states = [...tried.values()];
  if (states.length > 0 && states.every((own) => own.every(({ record: { state } }) => state === 'infeasible'))) {
    const both = decision.isDefaultInfeasible || isInfeasible(trials, 'default') ? ', the default included' : '';
    return {
      kind: 'not_better',
      sentence: `Not better than the default: none of ${countOf(states.length, 'variant')} that ${states.length === 1 ? 'was' : 'were'} tried kept the limits${both}.`,
      advice: 'Keep the config as it is, or loosen the limits.',
    };
  }
  const { verdicts } = decision;
  if (verdicts.length === 0) return undefined;
  const open = verdicts.filter(({ objection, excludedGain }) => !isOut(objection) || excludedGain !== undefined);
  if (open.length === 0) return undefined;
  if (open.some(({ excludedGain }) => excludedGain === undefined)) return undefined;
  const most = Math.max(...open.map(({ excludedGain }) => excludedGain!));
  if (most > 1 + WORTH_HAVING) return undefined;
  const extent = most <= 1.005 ? 'no gain is possible' : `at most ${Math.ceil(100 * (most - 1))}% better`;
  return {
    kind: 'not_better',
    sentence: `Not better than the default: ${extent}, as ${countOf(rounds.length, 'round')} of the ${open.length === 1 ? 'best' : `${open.length} best`} of ${countOf(tried.size, 'variant')} show.`,
    advice: 'Keep the config as it is.',
    atMostGain: Math.max(1, most),
  };
}

/** A finalist that failed or missed a limit is out of the question. */
const isOut = (objection: string | null): boolean => /^(failed|infeasible) in confirmation/.test(objection ?? '');

const isInfeasible = (trials: readonly FinishedTrial[], id: string): boolean =>
  trials.some(({ variant, record }) => variant.id === id && record.state === 'infeasible');

function whyNotTold({ decision, trials, rounds }: Ending): Conclusion {
  const tried = variantsOf(trials);
  const { verdicts } = decision;
  if (tried.size === 0)
    return couldNotTell(
      'nothing_tried',
      'there was time for the default only, no variant was tried',
      'give a larger --budget',
    );
  const works = [...tried.values()].filter((own) => own.some(({ result: { state } }) => state === 'complete'));
  if (works.length === 0) {
    const [first] = [...tried.values()][0]!;
    const why = `none of ${countOf(tried.size, 'variant')} that ${tried.size === 1 ? 'was' : 'were'} tried could be measured (${first!.record.reason ?? first!.record.state})`;
    return couldNotTell('nothing_worked', why, 'remove the causes, which the table of trials has');
  }
  const busy = busyShare(trials);
  const beside = busy === 0 ? '' : `, on a host that was busy in ${busy}% of the trials`;
  const quieten = busy === 0 ? '' : 'quieten the host, or ';
  if (verdicts.length === 0)
    return couldNotTell(
      'nothing_confirmed',
      `no time was left to confirm the best of ${countOf(tried.size, 'variant')}${beside}`,
      `${quieten}give a larger --budget`,
    );
  if (verdicts.every(({ objection }) => isOut(objection)))
    return couldNotTell(
      'nothing_confirmed',
      `every finalist failed or missed a limit when it was confirmed (${verdicts[0]!.objection})`,
      'give a larger --budget for the next ones',
    );
  const limited = verdicts.some(({ limitedCount, pairCount }) => limitedCount > 0 && pairCount < NEEDED_ROUNDS);
  if (limited)
    return couldNotTell(
      'generator_limited',
      `the load generator, not the server, was the limit in confirmation${beside}`,
      'give the generator more CPU or a host of its own',
    );
  const pairs = Math.max(...verdicts.map(({ pairCount }) => pairCount));
  if (pairs < NEEDED_ROUNDS)
    return couldNotTell(
      'too_few_rounds',
      `confirmation had too few rounds (${pairs} of the ${NEEDED_ROUNDS} that are needed at least)${beside}`,
      `${quieten}give a larger --budget`,
    );
  const [best] = verdicts.toSorted((a, b) => (b.gain?.value ?? 0) - (a.gain?.value ?? 0));
  const { gain, variant } = best!;
  const interval =
    gain?.low == null || gain.high === null
      ? ''
      : `, ${ratio(gain.value)}x with a 95% interval of ${ratio(gain.low)} to ${ratio(gain.high)},`;
  return couldNotTell(
    busy >= 50 ? 'host_busy' : 'too_noisy',
    `${countOf(rounds.length, 'round')} leave open whether the best of ${countOf(verdicts.length, 'finalist')} (${variant.id}${interval.replace(/,$/, '')}) is better${beside}`,
    `${quieten}give a larger --budget`,
  );
}

/** Of every variant but the default, its trials. */
function variantsOf(trials: readonly FinishedTrial[]): Map<string, FinishedTrial[]> {
  const found = new Map<string, FinishedTrial[]>();
  for (const trial of trials) {
    if (trial.variant.id === 'default') continue;
    found.set(trial.variant.id, [...(found.get(trial.variant.id) ?? []), trial]);
  }
  return found;
}

/** Whole percent. */
function busyShare(trials: readonly FinishedTrial[]): number {
  const measured = trials.filter(({ record: { level } }) => level !== null);
  const busy = measured.filter(({ record: { level } }) => level!.warnings.some(({ code }) => busyCodes.includes(code)));
  return measured.length === 0 ? 0 : Math.round((100 * busy.length) / measured.length);
}

function describeGain(gain: NonNullable<FinalistVerdict['gain']>, { metric, direction, parts }: Objective): string {
  const interval =
    gain.low === null || gain.high === null ? '' : ` (95% interval ${ratio(gain.low)} to ${ratio(gain.high)})`;
  const factor = `${ratio(gain.value)}x`;
  if (parts !== undefined) return `${factor} better than the default in ${titleOf(metric)}${interval}`;
  return direction === 'maximize'
    ? `${factor} the default’s ${titleOf(metric)}${interval}`
    : `${titleOf(metric)} ${factor} lower than the default’s${interval}`;
}

const fixedTitles: Readonly<Record<string, string>> = {
  memory_rss: 'server memory',
  gpu_memory: 'GPU memory',
  energy_per_inference: 'energy an inference',
  cost_per_million: 'cost of a million inferences',
};

const titleOf = (metric: string): string =>
  metric
    .split(' and ')
    .map((name) => fixedTitles[name] ?? name.replace(/^latency_(.+)$/, '$1 latency').replaceAll('_', ' '))
    .join(' and ');

const LONGEST_SETTINGS = 120;

function describeSettings({ changed, parameters }: Variant): string {
  const text = changed.map((name) => `${name} ${String(parameters[name])}`).join(', ');
  return text.length > LONGEST_SETTINGS ? `${text.slice(0, LONGEST_SETTINGS)}…` : text;
}

const ratio = (value: number): string => (value >= 1000 ? value.toPrecision(3) : value.toFixed(2));
const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
