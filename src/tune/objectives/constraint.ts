/** Limits a recommended variant must keep, such as `latency_p99 <= 20ms`, and how far a trial misses them. */

import { readByteSize } from '../../common/byte-size.js';
import { closestWord } from '../../common/closest-word.js';
import { formatBytes, formatPercent } from '../../common/format.js';
import { parseDuration } from '../../common/value-parsers.js';
import type { LevelRecord } from '../../record/run-record.js';
import { findMetric, type MeasuredTrial, type MetricUnit, metrics } from './metric.js';

export interface Constraint {
  readonly metric: string;
  readonly operator: '<=' | '>=';
  /** In the metric's unit: nanoseconds, events a second, 0..1, bytes, joules, money or a plain number. */
  readonly limit: number;
  readonly unit: MetricUnit;
  /** As it was written. */
  readonly text: string;
  /** For a limit on cost. */
  readonly pricePerHour?: number;
  /** Nobody wrote it: it holds for every study. */
  readonly isImplied?: boolean;
}

/** `METRIC <= LIMIT` or `METRIC >= LIMIT`, the limit with its unit. Throws an Error that says what would have been right. */
export function parseConstraint(text: string): Constraint {
  const match = /^\s*([a-z][a-z0-9_]*)\s*(<=|>=)\s*(\S.*?)\s*$/.exec(text);
  if (!match) throw new Error(`must read like 'latency_p99 <= 20ms' or 'throughput >= 100', not '${text}'`);
  const [, name = '', operator, limitText = ''] = match;
  const metric = findMetric(name);
  if (metric === undefined) {
    const names = metrics.map((row) => row.name);
    const guess = closestWord(name, names);
    const nearest = guess === undefined ? '' : `, did you mean '${guess}'?`;
    throw new Error(`'${name}' is not a metric${nearest}; metrics are ${names.join(', ')}`);
  }
  const limit = parseLimit(limitText, metric.unit);
  return { metric: name, operator: operator === '<=' ? '<=' : '>=', limit, unit: metric.unit, text: text.trim() };
}

function parseLimit(text: string, unit: MetricUnit): number {
  if (unit === 'duration') return parseDuration(text);
  if (unit === 'bytes') return parseSizeLimit(text);
  if (unit === 'joules' || unit === 'money' || unit === 'number') return parsePlainLimit(text, unit);
  const pattern = unit === 'rate' ? /^(\d+(?:\.\d+)?)(?:\s*\/\s*s)?$/ : /^(\d+(?:\.\d+)?)(\s*%)?$/;
  const match = pattern.exec(text);
  const value = match ? Number(match[1]) / (unit === 'share' && match[2] !== undefined ? 100 : 1) : Number.NaN;
  if (Number.isNaN(value)) {
    const wanted = unit === 'rate' ? 'a number a second, such as 100 or 100/s' : 'a share, such as 1% or 0.01';
    throw new Error(`the limit must be ${wanted}, not '${text}'`);
  }
  if (unit === 'share' && value > 1) throw new Error(`the limit must be a share from 0% to 100%, not '${text}'`);
  return value;
}

function parseSizeLimit(text: string): number {
  const size = /[a-z]$/i.test(text) ? readByteSize(text) : undefined;
  if (size === undefined) throw new Error(`the limit must be a size with its unit, such as 2GiB, not '${text}'`);
  return size;
}

const plainExamples = {
  joules: 'an energy such as 0.5J or 20mJ',
  money: 'a price such as 1.20',
  number: 'a number such as 0.001 or 1e-3',
};

/** What may follow the number, and what that makes of it. */
const plainSuffixes = {
  joules: [/^(\d+(?:\.\d+)?)\s*(m?J)?$/, { mJ: 1e-3 }],
  money: [/^(\d+(?:\.\d+)?)()$/, {}],
  number: [/^(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(%)?$/, { '%': 1e-2 }],
} as const;

function parsePlainLimit(text: string, unit: keyof typeof plainExamples): number {
  const [pattern, factors]: readonly [RegExp, Readonly<Record<string, number>>] = plainSuffixes[unit];
  const match = pattern.exec(text);
  if (match) return Number(match[1]) * (factors[match[2] ?? ''] ?? 1);
  throw new Error(`the limit must be ${plainExamples[unit]}, not '${text}'`);
}

/** A trial of which only the answers may be known. */
export type JudgedTrial = Omit<MeasuredTrial, 'level'> & { readonly level: LevelRecord | null };

/** How one constraint fared in a trial. */
export interface ConstraintOutcome {
  readonly constraint: Constraint;
  /** Undefined when the trial has no such number, which counts as a miss. */
  readonly value: number | undefined;
  /** Relative to the limit; feasible means <= 0. */
  readonly violation: number;
  /** Of several models the one that misses it most, or is nearest to missing it. */
  readonly model?: string;
}

/** A limit on latency or errors holds for each of several models that a level loaded at once: the worst counts. */
export function evaluateConstraint(constraint: Constraint, trial: JudgedTrial): ConstraintOutcome {
  const { level } = trial;
  if (level === null || level.models.length < 2 || !isOfEachModel(constraint.metric))
    return evaluate(constraint, trial);
  return level.models
    .map(({ model, requestCount, errorCount, latencyNs }) => ({
      ...evaluate(constraint, { ...trial, level: { ...level, requestCount, errorCount, latencyNs } }),
      model,
    }))
    .reduce((a, b) => (b.violation > a.violation ? b : a));
}

const isOfEachModel = (metric: string): boolean => metric.startsWith('latency_') || metric === 'error_rate';

function evaluate(constraint: Constraint, trial: JudgedTrial): ConstraintOutcome {
  const value = readMetric(constraint, trial);
  if (value === undefined) return { constraint, value, violation: Number.POSITIVE_INFINITY };
  const excess = constraint.operator === '<=' ? value - constraint.limit : constraint.limit - value;
  return { constraint, value, violation: constraint.limit === 0 ? excess : excess / constraint.limit };
}

function readMetric({ metric: name, pricePerHour }: Constraint, trial: JudgedTrial): number | undefined {
  const { level, accuracy } = trial;
  const metric = findMetric(name);
  if (metric?.readAnswers !== undefined) return accuracy && metric.readAnswers(accuracy);
  return level === null
    ? undefined
    : metric?.read({ ...trial, level, pricePerHour: pricePerHour ?? trial.pricePerHour });
}

/** Sum of the misses; slack in one limit never pays for a miss in another. */
export const totalViolation = (outcomes: readonly ConstraintOutcome[]): number =>
  outcomes.reduce((sum, { violation }) => sum + Math.max(0, violation), 0);

/** The limits that were missed, nearest miss first, as one clause each. */
export function describeMisses(outcomes: readonly ConstraintOutcome[]): string {
  return outcomes
    .filter(({ violation }) => violation > 0)
    .toSorted((a, b) => a.violation - b.violation)
    .map(({ constraint, value, violation, model }) => {
      const of = model === undefined ? '' : ` of ${model}`;
      if (value === undefined) return `${constraint.text}: not measured${of}`;
      return `${constraint.text}: was ${formatValue(value, constraint.unit)}${of}, ${describeMiss(constraint, violation)}`;
    })
    .join('; ');
}

/** Percents of many times the limit are hard to read. */
const describeMiss = ({ operator, limit }: Constraint, violation: number): string =>
  operator === '<=' && limit > 0 && violation >= 9
    ? `${Math.round(1 + violation)} times the limit`
    : `missed by ${formatPercent(violation)}`;

/** A metric's value for people. */
export function formatValue(value: number, unit: MetricUnit): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'joules') return `${Number(value.toPrecision(3))}J`;
  if (unit === 'number') return String(Number(value.toPrecision(5)));
  if (unit === 'money') return String(Number(value.toPrecision(3)));
  if (unit === 'duration') return `${Number((value / 1e6).toPrecision(3))}ms`;
  if (unit === 'rate') return `${Number(value.toPrecision(4))}/s`;
  // What is nearly all of it differs in its last digits.
  return value > 0.9 && value < 1 ? `${Number((100 * value).toPrecision(5))} %` : formatPercent(value);
}

/**
 * Pairs of limits that no number can keep: a lower bound above an upper one, on one metric or between percentiles of
 * one distribution, of which the higher percentile is never the smaller number.
 */
export function findContradictions(constraints: readonly Constraint[]): (readonly [Constraint, Constraint])[] {
  return constraints
    .filter(({ operator }) => operator === '>=')
    .flatMap((floor) =>
      constraints
        .filter(({ operator }) => operator === '<=')
        .filter((ceiling) => ceiling.limit < floor.limit && bounds(ceiling.metric, floor.metric))
        .map((ceiling) => [floor, ceiling] as const),
    );
}

const inOrder = ['p50', 'p90', 'p95', 'p99', 'p99_9', 'max'];

/** Whether a ceiling on `upper` is one on `lower` too. */
function bounds(upper: string, lower: string): boolean {
  if (upper === lower) return true;
  const [family, statistic] = splitStatistic(upper);
  const [otherFamily, otherStatistic] = splitStatistic(lower);
  const [rank, otherRank] = [inOrder.indexOf(statistic), inOrder.indexOf(otherStatistic)];
  return family === otherFamily && otherRank >= 0 && rank > otherRank;
}

function splitStatistic(metric: string): readonly [family: string, statistic: string] {
  const [, family = metric, statistic = ''] = /^(latency|service)_(\w+)$/.exec(metric) ?? [];
  return [family, statistic];
}
