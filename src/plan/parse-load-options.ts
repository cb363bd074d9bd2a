/** Reads the values of perf_analyzer's load flags into domain types. */
import { PerfTsError } from '../common/errors.js';
import { doublings } from './level-sequence.js';
import type { LevelSequence } from './load-plan.js';

/** More in flight than this is a slip of the keyboard, not a load. */
export const MAX_CONCURRENCY = 65_536;
/** Requests a second that no host sends. */
export const MAX_REQUEST_RATE = 10_000_000;

/** Levels, batch sizes or shapes that one range may stand for. */
const MAX_LEVELS = 1000;

/** One tensor shape of `--shape`, without the batch dimension. */
export interface ShapeOption {
  readonly input: string;
  readonly dims: readonly number[];
}

/**
 * `8` is one level, `1:64` adaptive, `1:64:4` every fourth level from 1 while at most 64, `1:0:4` without an end.
 * Throws PerfTsError BAD_OPTION with `flag` as its place.
 */
export function parseConcurrencyRange(text: string, flag = '--concurrency-range'): LevelSequence {
  const parts = text.split(':');
  const [start, end, step] = parts.map(parsePositive);
  const isNumber = parts.map((part) => parsePositive(part) !== undefined);
  if (parts[1]?.trim() === '0' && start !== undefined && parts.length <= 3 && (parts.length === 2 || step)) {
    return step === undefined ? { kind: 'open-ended', start } : { kind: 'open-ended', start, step };
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

/** A range of request rates: `500` is one level, `100:1000` adaptive, `100:1000:50` every 50 from 100 while at most 1000. */
export function parseRateRange(text: string, flag = '--request-rate-range'): LevelSequence {
  const parts = text.split(':').map((part) => part.trim());
  const [start = 0, end, step] = parts.map((part) => (/^\d+(?:\.\d+)?$/.test(part) ? Number(part) : Number.NaN));
  const fault = (what: string): PerfTsError =>
    new PerfTsError('BAD_OPTION', {
      what,
      where: flag,
      hint: 'give START, START:END or START:END:STEP in requests a second, for example 100:1000:100',
    });
  if (parts[1] === '0' && start > 0 && parts.length <= 3 && (step === undefined || step > 0)) {
    return step === undefined ? { kind: 'open-ended', start } : { kind: 'open-ended', start, step };
  }
  const isGood = [start, end ?? 1, step ?? 1].every((value) => value > 0);
  if (!isGood || parts.length > 3) throw fault(`"${text}" is not a range of request rates above 0`);
  if (end !== undefined && end < start) throw fault(`the range ${text} ends before it starts`);
  if ((end ?? start) > MAX_REQUEST_RATE) {
    throw fault(`a rate of ${end ?? start} a second is over the most that one run drives, ${MAX_REQUEST_RATE}`);
  }
  if (end === undefined) return { kind: 'stepped', values: [start] };
  if (step === undefined) return { kind: 'adaptive', start, end };
  const count = Math.floor((end - start) / step + 1e-9) + 1;
  if (count > MAX_LEVELS) throw fault(`the range ${text} has ${count} levels, over the ${MAX_LEVELS} of one run`);
  return { kind: 'stepped', values: Array.from({ length: count }, (_, index) => start + index * step) };
}

/** `8` is one batch size, `1:32` doubles from 1 to 32, `1:32:4` takes every fourth. */
export function parseBatchRange(text: string, flag = '-b'): readonly number[] {
  const sizes = expandRange(text);
  if (sizes !== undefined) return sizes;
  throw new PerfTsError('BAD_OPTION', {
    what: `"${text}" is not a batch size or a range of them`,
    where: flag,
    hint: 'give SIZE, START:END or START:END:STEP with whole numbers of at least 1, for example 1:32',
  });
}

/** The shapes of one input, each without the batch dimension. */
export interface ShapeRangeOption {
  readonly input: string;
  readonly shapes: readonly (readonly number[])[];
}

/**
 * `NAME:1,32,100`, where any size may be a range as a batch size is: `NAME:1,32,100:400:100` stands for four shapes. The
 * name is the shortest that leaves sizes behind it, so it may hold colons as long as no whole number follows one.
 * Throws PerfTsError BAD_OPTION with `flag` as its place.
 */
export function parseShapeRange(text: string, flag = '--shape'): ShapeRangeOption {
  for (let colon = text.indexOf(':'); colon > 0; colon = text.indexOf(':', colon + 1)) {
    const ranges = text
      .slice(colon + 1)
      .split(',')
      .map(expandRange);
    if (ranges.some((sizes) => sizes === undefined)) continue;
    const shapes = (ranges as (readonly number[])[]).reduce<readonly (readonly number[])[]>(
      (sofar, sizes) => sofar.flatMap((shape) => sizes.map((size) => [...shape, size])),
      [[]],
    );
    return { input: text.slice(0, colon), shapes };
  }
  throw new PerfTsError('BAD_OPTION', {
    what: `"${text}" is not an input's shape`,
    where: flag,
    hint: 'give NAME:SIZE,SIZE,... with sizes of at least 1 and no batch dimension, for example input:1,32,100 or input:1,32,100:400:100',
  });
}

/** Shapes of one run: an input given several times, or with ranges, is measured with each of its shapes, in every combination. */
export function combineShapes(
  options: readonly ShapeRangeOption[],
): readonly Readonly<Record<string, readonly number[]>>[] {
  const byInput = new Map<string, (readonly number[])[]>();
  for (const { input, shapes } of options) byInput.set(input, [...(byInput.get(input) ?? []), ...shapes]);
  const variants = [...byInput].reduce<Readonly<Record<string, readonly number[]>>[]>(
    (sofar, [input, shapes]) =>
      sofar.flatMap((variant) =>
        shapes.map((shape) => Object.assign(Object.create(null), variant, { [input]: shape })),
      ),
    [{}],
  );
  if (variants.length <= MAX_LEVELS) return variants;
  throw new PerfTsError('BAD_OPTION', {
    what: `the shapes combine to ${variants.length} variants, over the ${MAX_LEVELS} of one run`,
    where: '--shape',
  });
}

/** A model and its weight among several. */
export interface WeightedModel {
  readonly model: string;
  readonly weight: number;
}

/** `NAME` or `NAME:WEIGHT`; a single model has no weight, so its name is taken as it is. */
export function parseModels(texts: readonly string[]): readonly WeightedModel[] {
  if (texts.length === 1) return [{ model: texts[0]!, weight: 1 }];
  return texts.map((text) => {
    const match = /^(.+):(\d{1,9})$/.exec(text);
    return match === null ? { model: text, weight: 1 } : { model: match[1]!, weight: Number(match[2]) };
  });
}

/** Whole numbers of a range, doubling where it has no step; undefined where the text is none. */
function expandRange(text: string): readonly number[] | undefined {
  const parts = text.split(':').map(parsePositive);
  const [start, end, step] = parts;
  if (start === undefined || parts.length > 3 || parts.includes(undefined)) return undefined;
  if (end === undefined) return [start];
  if (end < start || (end - start) / (step ?? end) > MAX_LEVELS) return undefined;
  return step === undefined ? doublings(start, end) : stepped(start, end, step);
}

function parsePositive(text: string): number | undefined {
  const value = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  return value >= 1 ? value : undefined;
}

function stepped(start: number, end: number, step: number): readonly number[] {
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}
