import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { MAX_CONCURRENCY, parseConcurrencyRange, parseShape } from '../../src/plan/parse-load-options.js';

describe('--concurrency-range', () => {
  it('is one level, an adaptive range or a stepped range', () => {
    expect(parseConcurrencyRange('8')).toEqual({ kind: 'stepped', values: [8] });
    expect(parseConcurrencyRange('1:64')).toEqual({ kind: 'adaptive', start: 1, end: 64 });
    expect(parseConcurrencyRange('1:4:1')).toEqual({ kind: 'stepped', values: [1, 2, 3, 4] });
    expect(parseConcurrencyRange('2:9:3')).toEqual({ kind: 'stepped', values: [2, 5, 8] });
  });

  it('has no end where that is 0', () => {
    expect(parseConcurrencyRange('1:0:4')).toEqual({ kind: 'open-ended', start: 1, step: 4 });
    expect(parseConcurrencyRange('2:0')).toEqual({ kind: 'open-ended', start: 2 });
    expect(() => parseConcurrencyRange('1:0:0')).toThrow(PerfTsError);
    expect(() => parseConcurrencyRange('0:0:1')).toThrow(PerfTsError);
  });

  it.each([
    '',
    'x',
    '0',
    '-1',
    '1.5',
    '1:',
    ':4',
    '1:2:',
    '1:2:0',
    '1:2:3:4',
    '4:2',
    `${MAX_CONCURRENCY + 1}`,
    '1e3',
    '99999999999',
  ])('refuses "%s" with the flag and an example', (text) => {
    expect(() => parseConcurrencyRange(text)).toThrow(PerfTsError);
    expect(() => parseConcurrencyRange(text)).toThrow(/^--concurrency-range: .*for example 1:64/);
  });
});

describe('--shape', () => {
  it('is a name and sizes, parted at the last colon', () => {
    expect(parseShape('input.1:1,32,100')).toEqual({ input: 'input.1', dims: [1, 32, 100] });
    expect(parseShape('serving:in:0:7')).toEqual({ input: 'serving:in:0', dims: [7] });
  });

  it.each(['', 'x', 'x:', ':3', 'x:0', 'x:-1', 'x:1,', 'x:1,a', 'x:1.5'])(
    'refuses "%s" with the flag and an example',
    (text) => {
      expect(() => parseShape(text)).toThrow(/^--shape: .*for example input:1,32,100/);
    },
  );
});
