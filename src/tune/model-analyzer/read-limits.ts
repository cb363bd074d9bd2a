/** Limits of a Model Analyzer file: each is kept with its unit or refused at its place, never left out. */
import { closestWord } from '../../common/closest-word.js';
import { messageOf } from '../../common/errors.js';
import { type Constraint, parseConstraint } from '../objectives/constraint.js';
import type { FilePlace } from '../sweep-files/sweep-file.js';
import { isMessage, type Message } from './config-parameters.js';
import {
  findNamedMetric,
  isUnmeasured,
  measuredMetrics,
  modelAnalyzerMetrics,
  type NamedMetric,
} from './metric-names.js';

type Path = readonly PropertyKey[];

/** `{perf_latency_p99: {max: 100}}`, and the same in a list; nothing for a key without a value. */
export function readConstraints(value: unknown, path: Path, faults: FilePlace[]): Constraint[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.flatMap((entry, index) => readConstraints(entry, [...path, index], faults));
  }
  if (!isMessage(value)) {
    faults.push({ path, what: 'must be metrics with a min or a max each, such as perf_latency_p99: {max: 100}' });
    return [];
  }
  return Object.entries(value).flatMap(([name, limits]) => {
    const at = [...path, name];
    const named = findNamedMetric(name);
    if (named === undefined) {
      faults.push({ path: at, ...describeUnknown(name) });
      return [];
    }
    if (!isMessage(limits) || Object.keys(limits).length === 0) {
      faults.push({ path: at, what: `must have a ${named.sides.join(' or a ')}` });
      return [];
    }
    return Object.entries(limits).flatMap(([side, limit]) => readSide(name, named, side, limit, at, faults));
  });
}

function readSide(
  name: string,
  { metric, limit: write, sides }: NamedMetric,
  side: string,
  limit: unknown,
  path: Path,
  faults: FilePlace[],
): Constraint[] {
  const at = [...path, side];
  const allowed: readonly string[] = sides;
  if (!allowed.includes(side)) {
    const isSide = side === 'max' || side === 'min';
    const hint = isSide ? `${name} is bounded by ${sides.join(' or ')}` : undefined;
    const what = isSide ? 'would keep what is good and refuse what is better' : 'must be min or max';
    faults.push({ path: at, what, ...(hint !== undefined && { hint }) });
    return [];
  }
  const number = numberOf(limit);
  if (number === undefined) {
    faults.push({ path: at, what: `must be a number of at least 0, not ${describeValue(limit)}` });
    return [];
  }
  return readLimit(`${metric} ${side === 'max' ? '<=' : '>='} ${write(number)}`, at, faults);
}

/** Why a name is no metric here, and which one may have been meant. */
export function describeUnknown(name: string): { readonly what: string; readonly hint?: string } {
  if (isUnmeasured(name)) return { what: 'is not measured here, so this cannot be kept', hint: 'remove it' };
  const guess = closestWord(name, modelAnalyzerMetrics);
  const hint = guess === undefined ? `metrics are ${measuredMetrics.join(', ')}` : `did you mean '${guess}'?`;
  return { what: `'${name}' is not a metric`, hint };
}

/** `latency_budget` in milliseconds and `min_throughput`, as Model Analyzer's command line has them. */
export function readShortLimits(content: Message, faults: FilePlace[]): Constraint[] {
  return [
    ...readShort(content, 'latency_budget', (number) => `latency_p99 <= ${number}ms`, faults),
    ...readShort(content, 'min_throughput', (number) => `throughput >= ${number}`, faults),
  ];
}

function readShort(
  content: Message,
  key: string,
  write: (number: number) => string,
  faults: FilePlace[],
): Constraint[] {
  const value = content[key];
  if (value === undefined || value === null) return [];
  const number = numberOf(value);
  if (number !== undefined) return readLimit(write(number), [key], faults);
  const unit = key === 'latency_budget' ? 'milliseconds' : 'inferences a second';
  faults.push({ path: [key], what: `must be a number of ${unit}, not ${describeValue(value)}` });
  return [];
}

/** A plain number, also one that is written as a text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const number = /^\s*\d+(\.\d+)?\s*$/.test(String(value)) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

const describeValue = (value: unknown): string => JSON.stringify(value)?.slice(0, 40) ?? String(value);

function readLimit(text: string, path: Path, faults: FilePlace[]): Constraint[] {
  try {
    return [parseConstraint(text)];
  } catch (thrown) {
    faults.push({ path, what: messageOf(thrown) });
    return [];
  }
}
