/**
 * The language of load profiles: stretches of time with a rate each, which may ramp and repeat.
 *
 *   10s@100                        100 requests a second for ten seconds
 *   10s@100, 5s@2000               then a step to 2000
 *   30s@50..500                    a ramp from 50 to 500
 *   30s@..500                      a ramp from the rate before to 500
 *   4x(9s@100, 1s@1000)            a burst every ten seconds, four times; groups nest
 *   10s@0                          silence
 */
import { appendAll } from '../common/append-all.js';
import { PerfTsError } from '../common/errors.js';
import type { Nanos } from '../common/units.js';
import { parseDuration } from '../common/value-parsers.js';
import type { ProfileSegment } from './load-plan.js';
import { MAX_REQUEST_RATE } from './parse-load-options.js';

/** Repetitions write out what they repeat. */
const MAX_SEGMENTS = 10_000;
const HINT =
  'a profile is a list of DURATION@RATE or DURATION@FROM..TO, such as "10s@100, 20s@100..500, 4x(1s@50, 100ms@1000)"';

/** Throws PerfTsError BAD_OPTION with `flag` as its place and the position of what is wrong. */
export function parseProfile(text: string, flag = '--profile'): readonly ProfileSegment[] {
  const reader = new ProfileReader(text, flag);
  const segments = reader.readList();
  reader.expectEnd();
  if (!segments.some(({ startPerSec, endPerSec }) => startPerSec > 0 || endPerSec > 0)) {
    throw reader.fault('a profile must hold a rate above 0', 0);
  }
  return segments;
}

class ProfileReader {
  readonly #text: string;
  readonly #flag: string;
  #at = 0;
  /** Where a ramp without a start begins; undefined before the first stretch. */
  #rateBefore: number | undefined;

  constructor(text: string, flag: string) {
    this.#text = text;
    this.#flag = flag;
  }

  readList(): ProfileSegment[] {
    const segments: ProfileSegment[] = [];
    do {
      appendAll(segments, this.#readItem());
      if (segments.length > MAX_SEGMENTS) throw this.fault(`a profile may have at most ${MAX_SEGMENTS} stretches`);
    } while (this.#take(/,/y) !== undefined);
    return segments;
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.fault(`expected a comma or the end, found '${this.#text[this.#at]}'`);
  }

  fault(what: string, at = this.#at): PerfTsError {
    const problem = { what: `${what}, at character ${at + 1} of "${this.#text}"`, where: this.#flag, hint: HINT };
    return new PerfTsError('BAD_OPTION', problem);
  }

  #readItem(): ProfileSegment[] {
    const start = this.#at;
    const count = this.#take(/(\d+)\s*x\s*\(/y);
    if (count === undefined) return [this.#readStretch()];
    const repetitions = Number(count);
    if (repetitions < 1) throw this.fault('a group must be repeated at least once', start);
    const afterCount = this.#at;
    const segments: ProfileSegment[] = [];
    for (let round = 0; round < repetitions; round++) {
      // Read again, and not copied: a ramp without a start begins where the round before it ended.
      this.#at = afterCount;
      appendAll(segments, this.readList());
      if (this.#take(/\)/y) === undefined) throw this.fault("expected ')'");
      if (segments.length > MAX_SEGMENTS) throw this.fault(`a profile may have at most ${MAX_SEGMENTS} stretches`);
    }
    return segments;
  }

  #readStretch(): ProfileSegment {
    const duration = this.#readDuration();
    if (this.#take(/@/y) === undefined) throw this.fault("expected '@' and a rate");
    const first = this.#readRate();
    const isRamp = this.#take(/\.\./y) !== undefined;
    const last = isRamp ? this.#readRate() : first;
    const startPerSec = first ?? (isRamp ? this.#rateBefore : undefined);
    if (last === undefined) throw this.fault('expected a rate in requests a second');
    if (startPerSec === undefined)
      throw this.fault('the first stretch has no rate before it to begin with: write FROM..TO');
    this.#rateBefore = last;
    return { duration, startPerSec, endPerSec: last };
  }

  #readDuration(): Nanos {
    this.#skipSpace();
    const at = this.#at;
    const text = this.#take(/(\d+(?:\.\d+)?[a-z]*)/y);
    if (text === undefined) throw this.fault('expected a duration such as 10s or 500ms');
    let duration: Nanos;
    try {
      duration = parseDuration(text);
    } catch {
      throw this.fault(`'${text}' is no duration: it needs a unit, such as 10s or 500ms`, at);
    }
    if (duration <= 0) throw this.fault('a duration must be longer than 0', at);
    return duration;
  }

  /** A number that does not swallow the dots of a ramp. */
  #readRate(): number | undefined {
    this.#skipSpace();
    const at = this.#at;
    const text = this.#take(/(\d+(?:\.\d+)?)(?:\/s)?/y);
    if (text === undefined) return undefined;
    if (Number(text) > MAX_REQUEST_RATE) throw this.fault(`a rate of ${text} a second is over ${MAX_REQUEST_RATE}`, at);
    return Number(text);
  }

  /** The first group of what matches here, or all of it; nothing is taken where it does not match. */
  #take(pattern: RegExp): string | undefined {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}

const MAX_INTERVALS = 10_000_000;

/** perf_analyzer's file of intervals: one whole number of microseconds a line. Throws PerfTsError BAD_FILE with the line. */
export function parseIntervals(text: string, file: string): readonly number[] {
  const intervals: number[] = [];
  const fault = (what: string, line: number): PerfTsError =>
    new PerfTsError('BAD_FILE', {
      what,
      where: `${file}:${line}`,
      hint: 'each line holds the microseconds from one request to the next, as a whole number',
    });
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    if (!/^\d{1,15}$/.test(trimmed))
      throw fault(`"${trimmed.slice(0, 40)}" is not a whole number of microseconds`, index + 1);
    intervals.push(Number(trimmed) * 1000);
    if (intervals.length > MAX_INTERVALS) throw fault(`there are more than ${MAX_INTERVALS} intervals`, index + 1);
  }
  if (intervals.length === 0) throw fault('there is no interval in it', 1);
  if (!intervals.some((interval) => interval > 0)) throw fault('all intervals are 0', 1);
  return intervals;
}
