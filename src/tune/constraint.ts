/** Limits a recommended variant must keep, such as `latency_p99 <= 20ms`, and how far a trial misses them. */
import { formatPercent } from '../common/format.js';
import { parseDuration } from '../common/value-parsers.js';
import { findMetric, type MeasuredTrial, type MetricUnit, metrics } from './metric.js';

export interface Constraint {
  readonly metric: string;
  readonly operator: '<=' | '>=';
  /** Nanoseconds, events a second, or 0..1. */
  readonly limit: number;
  readonly unit: MetricUnit;
  /** As it was written. */
  readonly text: string;
}

/** Names of the design that this version cannot measure yet; they deserve a better answer than "unknown". */
const plannedPattern = /^(memory_rss|gpu_memory|gpu_utilization|energy_per_inference|cost_per_million|accuracy_\w+)$/;

/** `METRIC <= LIMIT` or `METRIC >= LIMIT`, the limit with its unit. Throws an Error that says what would have been right. */
export function parseConstraint(text: string): Constraint {
  const match = /^\s*([a-z][a-z0-9_]*)\s*(<=|>=)\s*(\S.*?)\s*$/.exec(text);
  if (!match) throw new Error(`must read like 'latency_p99 <= 20ms' or 'throughput >= 100', not '${text}'`);
  const [, name = '', operator, limitText = ''] = match;
  const metric = findMetric(name);
  if (metric === undefined) {
    const fault = plannedPattern.test(name) ? 'is not measured by this version' : 'is not a metric';
    throw new Error(`'${name}' ${fault}; metrics are ${metrics.map((row) => row.name).join(', ')}`);
  }
  const limit = parseLimit(limitText, metric.unit);
  return { metric: name, operator: operator === '<=' ? '<=' : '>=', limit, unit: metric.unit, text: text.trim() };
}

function parseLimit(text: string, unit: MetricUnit): number {
  if (unit === 'duration') return parseDuration(text);
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

/** How one constraint fared in a trial. */
export interface ConstraintOutcome {
  readonly constraint: Constraint;
  /** Undefined when the trial has no such number, which counts as a miss. */
  readonly value: number | undefined;
  /** Relative to the limit; feasible means <= 0. */
  readonly violation: number;
}

export function evaluateConstraint(constraint: Constraint, trial: MeasuredTrial): ConstraintOutcome {
  const value = findMetric(constraint.metric)?.read(trial);
  if (value === undefined) return { constraint, value, violation: Number.POSITIVE_INFINITY };
  const excess = constraint.operator === '<=' ? value - constraint.limit : constraint.limit - value;
  return { constraint, value, violation: constraint.limit === 0 ? excess : excess / constraint.limit };
}

/** Sum of the misses; slack in one limit never pays for a miss in another. */
export const totalViolation = (outcomes: readonly ConstraintOutcome[]): number =>
  outcomes.reduce((sum, { violation }) => sum + Math.max(0, violation), 0);

/** The limits that were missed, nearest miss first, as one clause each. */
export function describeMisses(outcomes: readonly ConstraintOutcome[]): string {
  return outcomes
    .filter(({ violation }) => violation > 0)
    .toSorted((a, b) => a.violation - b.violation)
    .map(({ constraint, value, violation }) => {
      if (value === undefined) return `${constraint.text}: not measured`;
      return `${constraint.text}: was ${formatValue(value, constraint.unit)}, missed by ${formatPercent(violation)}`;
    })
    .join('; ');
}

function formatValue(value: number, unit: MetricUnit): string {
  if (unit === 'duration') return `${Number((value / 1e6).toPrecision(3))}ms`;
  return unit === 'rate' ? `${Number(value.toPrecision(4))}/s` : formatPercent(value);
}
