import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { parseIntervals, parseProfile } from '../../src/plan/parse-profile.js';

/** `seconds@from..to` of each stretch. */
const read = (text: string): string[] =>
  parseProfile(text).map(({ duration, startPerSec, endPerSec }) => `${duration / 1e9}@${startPerSec}..${endPerSec}`);

function problemOf(run: () => unknown) {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PerfTsError);
    return (thrown as PerfTsError).problems[0]!;
  }
  throw new Error('nothing was refused');
}

describe('a load profile', () => {
  it('is a list of steps and ramps', () => {
    expect(read('10s@100')).toEqual(['10@100..100']);
    expect(read('1s@100, 500ms@50..2000,1m@0')).toEqual(['1@100..100', '0.5@50..2000', '60@0..0']);
    expect(read(' 2s @ 1.5 .. 2.5/s ')).toEqual(['2@1.5..2.5']);
  });

  it('lets a ramp begin at the rate before it, also when it is repeated', () => {
    expect(read('1s@10, 1s@..40, 1s@..5')).toEqual(['1@10..10', '1@10..40', '1@40..5']);
    expect(read('1s@10, 2x(1s@..20, 1s@30)')).toEqual(['1@10..10', '1@10..20', '1@30..30', '1@30..20', '1@30..30']);
  });

  it('repeats groups, nested ones too', () => {
    expect(read('2x(1s@1, 2x(1s@2))')).toEqual(['1@1..1', '1@2..2', '1@2..2', '1@1..1', '1@2..2', '1@2..2']);
  });

  it.each([
    ['', 1, 'expected a duration'],
    ['10@100', 1, 'needs a unit'],
    ['10s', 4, "expected '@'"],
    ['10s@', 5, 'expected a rate'],
    ['10s@..50', 9, 'no rate before it'],
    ['10s@100 20s@5', 9, 'expected a comma'],
    ['10s@100,', 9, 'expected a duration'],
    ['2x(1s@5', 8, "expected ')'"],
    ['0x(1s@5)', 1, 'at least once'],
    ['0s@5', 1, 'longer than 0'],
    ['1s@99999999', 4, 'is over'],
    ['1s@0, 2s@0', 1, 'a rate above 0'],
    ['99999x(1s@5)', 13, 'at most 10000'],
  ])('is refused with the place of the mistake: %s', (text, character, what) => {
    const problem = problemOf(() => parseProfile(text));
    expect(problem).toMatchObject({ where: '--profile', hint: expect.stringContaining('10s@100') });
    expect(problem.what).toContain(what);
    const at = Number(/at character (\d+)/.exec(problem.what)?.[1]);
    expect(at).toBe(character);
  });

  it('reads or refuses any text, and never hangs', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789sm@.,x() /k') }), (text) => {
        try {
          parseProfile(text);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PerfTsError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a file of intervals', () => {
  it('holds whole microseconds, one a line', () => {
    expect(parseIntervals('100\n0\r\n 2500 \n\n', 'gaps.txt')).toEqual([100_000, 0, 2_500_000]);
  });

  it.each([
    ['100\n1.5\n', 'gaps.txt:2', 'not a whole number'],
    ['-5', 'gaps.txt:1', 'not a whole number'],
    ['\n\n', 'gaps.txt:1', 'no interval'],
    ['0\n0', 'gaps.txt:1', 'all intervals are 0'],
  ])('is refused with its line: %j', (text, where, what) => {
    expect(problemOf(() => parseIntervals(text, 'gaps.txt'))).toMatchObject({
      where,
      what: expect.stringContaining(what),
    });
  });
});
