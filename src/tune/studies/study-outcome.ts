/** Assembles the study record: scores, recommendations, and everything a reader must know before trusting them. */
import { formatGain } from '../../common/format.js';
import type { Nanos } from '../../common/units.js';
import type { Warning } from '../../record/run-record.js';
import type { Recommendation, StudyPlan, StudyRecord } from '../../record/study-record.js';
import { MIN_ROUNDS } from '../confirmation/confirmation-plan.js';
import { type Decision, type FinalistVerdict, isPortable, type Round } from '../confirmation/confirmation-verdict.js';
import { concludeStudy, type EqualLoad } from '../results/conclusion.js';
import { explainInfeasible } from '../results/explain-infeasible.js';
import { narrowedContract } from '../results/narrowed-contract.js';
import { findTradeOffs } from '../results/trade-offs.js';
import type { Strategy } from '../strategies/strategy.js';
import { formatDefaults, recommendVariant } from '../together/joint-recommendation.js';
import { isBetter } from '../trials/trial-order.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import { describeFinalist, findFindings } from './study-findings.js';
import type { StudyOptions } from './study-options.js';

export interface StudyEnd {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly isInterrupted: boolean;
  /** Of the budget. */
  readonly usedNs: Nanos;
  readonly plan: StudyPlan;
  /** The default's search trial; undefined when an interrupt came before its end. */
  readonly base: FinishedTrial | undefined;
  /** As the search left it. */
  readonly strategy: Strategy;
  readonly trials: readonly FinishedTrial[];
  readonly rounds: readonly Round[];
  readonly decision: Decision;
  readonly equalLoad: EqualLoad | undefined;
}

export function assembleRecord(options: StudyOptions, end: StudyEnd): StudyRecord {
  const { model, together, objective, identity } = options;
  const recommend = (verdict: FinalistVerdict | undefined): Recommendation | null =>
    verdict?.gain === undefined
      ? null
      : recommendVariant(model, verdict.variant, verdict.gain, objective, options.context);
  return {
    schema: 'perf-ts/study@1',
    id: identity.id,
    startedAt: end.startedAt.toISOString(),
    finishedAt: end.finishedAt.toISOString(),
    tool: identity.tool,
    model: model.name,
    ...(together !== undefined && { models: together.map(({ model: { name }, weight }) => ({ name, weight })) }),
    directory: identity.directory,
    state: end.isInterrupted ? 'interrupted' : end.base?.value === undefined ? 'failed' : 'complete',
    seed: options.seed,
    strategy: options.strategyName,
    objective: { metric: objective.metric, direction: objective.direction },
    budgetNs: options.budget,
    host: identity.host,
    isDemoModel: identity.isDemoModel,
    warnings: findWarnings(options, end),
    default: { id: 'default', score: defaultScore(end), configPbtxt: formatDefaults(model, together) },
    recommended: { portable: recommend(end.decision.portable), engine: recommend(end.decision.engine) },
    trials: end.trials.map(({ record }) => record),
    ...findTradeOffs(end.trials, objective),
    constraints: options.constraints.filter(({ isImplied }) => isImplied !== true).map(({ text }) => text),
    plan: end.plan,
    usedNs: end.usedNs,
    ...(options.earlier !== undefined && { resumed: options.earlier.resumedCount }),
    ...(options.server !== undefined && { server: options.server }),
    conclusion: concludeStudy({ ...end, objective }),
    confirmed: end.decision.verdicts.map(describeFinalist),
    ...findFindings(options.space, end.trials, end.strategy, options.seed),
  };
}

/** Of confirmation where there was one (geometric mean, as gains are ratios), else of the search. */
function defaultScore({ base, rounds }: StudyEnd): number | null {
  const scores = rounds.flatMap((round) => round.find(({ variant }) => variant.id === 'default')?.record.score ?? []);
  if (scores.length === 0) return base?.record.score ?? null;
  return Math.exp(scores.reduce((sum, score) => sum + Math.log(score), 0) / scores.length);
}

function findWarnings(options: StudyOptions, end: StudyEnd): Warning[] {
  return [
    defaultWarning(end),
    feasibilityWarning(options, end),
    clientWarning(end),
    confirmationWarning(end),
    contractWarning(options, end),
  ].filter((warning) => warning !== undefined);
}

function defaultWarning({ base, decision }: StudyEnd): Warning | undefined {
  if (base !== undefined && base.value === undefined) {
    const message = `the unchanged model could not be measured (${base.record.reason ?? 'no reason'}), so there is nothing to compare with`;
    return { code: 'DEFAULT_FAILED', message };
  }
  if (!decision.isDefaultInfeasible) return undefined;
  const message =
    'the default misses a constraint, so the best variant that keeps them all is recommended, whatever its gain';
  return { code: 'DEFAULT_INFEASIBLE', message };
}

function feasibilityWarning({ constraints }: StudyOptions, { trials }: StudyEnd): Warning | undefined {
  const message = explainInfeasible(trials, constraints);
  return message === undefined ? undefined : { code: 'NO_FEASIBLE_VARIANT', message };
}

function clientWarning({ trials }: StudyEnd): Warning | undefined {
  const limited = trials.filter(({ isClientLimited }) => isClientLimited);
  if (limited.length === 0) return undefined;
  const message =
    `in ${limited.length} of ${trials.length} trials the load generator was the limit, not the server: their scores are ` +
    'lower bounds and cannot win; give the generator more CPU or a host of its own';
  return { code: 'CLIENT_LIMITED_TRIALS', message };
}

/** Why nothing is recommended, finalist by finalist. */
function confirmationWarning({ base, rounds, trials, decision, isInterrupted }: StudyEnd): Warning | undefined {
  const code = 'NOT_PROVED';
  if (isInterrupted || base?.value === undefined || decision.portable !== undefined) return undefined;
  const others = trials.filter(({ variant }) => variant.id !== 'default');
  if (others.length === 0) return { code, message: 'there was only time for the default; a larger budget is needed' };
  if (decision.verdicts.length === 0) {
    const isBeaten = others.some(({ result }) => result.state === 'complete' && isBetter(result, base.result));
    if (!isBeaten) return undefined;
    return { code, message: 'no time was left to confirm the best of the search; a larger budget is needed' };
  }
  const unproved = decision.verdicts.filter(({ variant }) => decision.engine === undefined || isPortable(variant));
  if (unproved.length === 0)
    return { code, message: 'nothing that a Triton honours in full came far enough to be confirmed' };
  const reasons = unproved.map(({ variant, gain, objection }) => {
    const measured = gain === undefined ? '' : ` (gain ${formatGain(gain)})`;
    return `${variant.id}${measured}: ${objection ?? 'beaten'}`;
  });
  const isShort = rounds.filter((round) => round.length > 1).length < MIN_ROUNDS;
  const remedy = isShort ? '; a larger budget gives more rounds and so a narrower interval' : '';
  const whose = decision.engine === undefined ? 'no finalist' : 'no finalist that a Triton honours in full';
  return { code, message: `${whose} proved better than the default: ${reasons.join('; ')}${remedy}` };
}

/** Only where it was asked for: what clients notice must be said aloud. */
function contractWarning({ context }: StudyOptions, { decision }: StudyEnd): Warning | undefined {
  const chosen = [decision.portable, decision.engine].filter((verdict) => verdict !== undefined);
  const narrowed = [...new Set(chosen.flatMap(({ variant }) => narrowedContract(variant, context)))];
  if (narrowed.length === 0) return undefined;
  const message = `what is recommended accepts less than the default does: ${narrowed.join(', ')}; requests that need more will be refused`;
  return { code: 'CONTRACT_NARROWED', message };
}
