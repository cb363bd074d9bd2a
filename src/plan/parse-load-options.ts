/** Reads the values of perf_analyzer's load flags into domain types. */
import { PerfTsError } from '../common/errors.js';
import type { LevelSequence } from './load-plan.js';

/** More in flight than this is a slip of the keyboard, not a load. */
export const MAX_CONCURRENCY = 65_536;

/** One tensor shape of `--shape`, without the batch dimension. */
export interface ShapeOption {
  readonly input: string;
  readonly dims: readonly number[];
}

/**
 * `8` is one level, `1:64` adaptive, `1:64:4` every fourth level from 1 while at most 64.
 * Throws PerfTsError BAD_OPTION with `flag` as its place.
 */
export function parseConcurrencyRange(text: string, flag = '--concurrency-range'): LevelSequence {
  const parts = text.split(':');
  const [start, end, step] = parts.map(parsePositive);
  const isNumber = parts.map((part) => parsePositive(part) !== undefined);
  if (parts[1]?.trim() === '0') {
    throw badRange(flag, 'an open end (0) is not offered: a range needs its last concurrency');
  }
  if (start === undefined || parts.length > 3 || isNumber.includes(false)) {
    throw badRange(flag, `"${text}" is not a concurrency range of whole numbers of at least 1`);
  }
  if (end !== undefined && end < start) throw badRange(flag, `the range ${text} ends before it starts`);
  if ((end ?? start) > MAX_CONCURRENCY) {
    throw badRange(flag, `a concurrency of ${end ?? start} is over the most that one run drives, ${MAX_CONCURRENCY}`);
  }
  if (end === undefined) return { kind: 'stepped', values: [start] };
  if (step === undefined) return { kind: 'adaptive', start, end };
  return { kind: 'stepped', values: stepped(start, end, step) };
}

function badRange(flag: string, what: string): PerfTsError {
  const hint = 'give START, START:END or START:END:STEP, for example 1:64';
  return new PerfTsError('BAD_OPTION', { what, where: flag, hint });
}

/**
 * `NAME:1,32,100`, without the batch dimension; the name may itself hold colons.
 * Throws PerfTsError BAD_OPTION with `flag` as its place.
 */
export function parseShape(text: string, flag = '--shape'): ShapeOption {
  const colon = text.lastIndexOf(':');
  const input = text.slice(0, Math.max(0, colon));
  const dims = text
    .slice(colon + 1)
    .split(',')
    .map(parsePositive);
  if (input === '' || dims.some((size) => size === undefined)) {
    throw new PerfTsError('BAD_OPTION', {
      what: `"${text}" is not an input's shape`,
      where: flag,
      hint: 'give NAME:SIZE,SIZE,... with sizes of at least 1 and no batch dimension, for example input:1,32,100',
    });
  }
  return { input, dims: dims as number[] };
}

function parsePositive(text: string): number | undefined {
  const value = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  return value >= 1 ? value : undefined;
}

function stepped(start: number, end: number, step: number): readonly number[] {
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}
