import { describe, expect, it } from 'vitest';
import {
  combineShapes,
  parseBatchRange,
  parseModels,
  parseRateRange,
  parseShapeRange,
} from '../../src/plan/parse-load-options.js';

const refused = (where: string) =>
  expect.objectContaining({ code: 'BAD_OPTION', problems: [expect.objectContaining({ where })] });

describe('a range of request rates', () => {
  it('is one rate, adaptive, or stepped, and may have fractions', () => {
    expect(parseRateRange('500')).toEqual({ kind: 'stepped', values: [500] });
    expect(parseRateRange('10:1000')).toEqual({ kind: 'adaptive', start: 10, end: 1000 });
    expect(parseRateRange('0.5:2:0.5')).toEqual({ kind: 'stepped', values: [0.5, 1, 1.5, 2] });
    expect(parseRateRange('0.1:0.3:0.1')).toMatchObject({ values: [0.1, 0.2, expect.closeTo(0.3, 9)] });
  });

  it.each(['', '0', 'x', '-5', '1:2:3:4', '10:5', '10:20:0', '0:0', '1e3', '1:1000000:0.1', '99999999'])(
    'is refused: %s',
    (text) => {
      expect(() => parseRateRange(text)).toThrow(refused('--request-rate-range'));
    },
  );
});

describe('a range of batch sizes', () => {
  it('doubles without a step', () => {
    expect(parseBatchRange('8')).toEqual([8]);
    expect(parseBatchRange('1:32')).toEqual([1, 2, 4, 8, 16, 32]);
    expect(parseBatchRange('3:20')).toEqual([3, 6, 12, 20]);
    expect(parseBatchRange('1:32:10')).toEqual([1, 11, 21, 31]);
  });

  it.each(['0', '1:0', '8:4', 'a', '1:2:0', '1:1000000:1', '1:2:3:4'])('is refused: %s', (text) => {
    expect(() => parseBatchRange(text)).toThrow(refused('-b'));
  });
});

describe('shapes', () => {
  it('may have a range for any size', () => {
    expect(parseShapeRange('input:1,32,100')).toEqual({ input: 'input', shapes: [[1, 32, 100]] });
    expect(parseShapeRange('input:1,32,100:400:100').shapes.map((shape) => shape[2])).toEqual([100, 200, 300, 400]);
    expect(parseShapeRange('in:1:2,4:8')).toEqual({
      input: 'in',
      shapes: [
        [1, 4],
        [1, 8],
        [2, 4],
        [2, 8],
      ],
    });
  });

  it('may belong to names with colons and dots', () => {
    expect(parseShapeRange('serving_default_x:0:3,4')).toEqual({ input: 'serving_default_x:0', shapes: [[3, 4]] });
    expect(parseShapeRange('a:b:7')).toEqual({ input: 'a:b', shapes: [[7]] });
    expect(parseShapeRange('input.1:7')).toEqual({ input: 'input.1', shapes: [[7]] });
  });

  it.each(['input', 'input:', ':1,2', 'input:0', 'input:1,-2', 'input:1,,2'])('are refused: %s', (text) => {
    expect(() => parseShapeRange(text)).toThrow(refused('--shape'));
  });

  it('of several inputs combine, and those of one input follow one another', () => {
    const variants = combineShapes(['a:1', 'b:5:10:5', 'a:2'].map((text) => parseShapeRange(text)));
    expect(variants.map(({ a, b }) => [a, b])).toEqual([
      [[1], [5]],
      [[1], [10]],
      [[2], [5]],
      [[2], [10]],
    ]);
    expect(combineShapes([])).toEqual([{}]);
    expect(() => combineShapes(['a:1:100:1', 'b:1:100:1'].map((text) => parseShapeRange(text)))).toThrow(
      refused('--shape'),
    );
  });
});

describe('models', () => {
  it('have weights where there are several, and a single name is taken as it is', () => {
    expect(parseModels(['a:3', 'b'])).toEqual([
      { model: 'a', weight: 3 },
      { model: 'b', weight: 1 },
    ]);
    expect(parseModels(['ns:7'])).toEqual([{ model: 'ns:7', weight: 1 }]);
  });
});
