import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonFault, parseDataJson } from '../../../src/plan/input-data/parse-json.js';

const faultOf = (text: string): JsonFault => {
  try {
    parseDataJson(text);
  } catch (thrown) {
    if (thrown instanceof JsonFault) return thrown;
  }
  throw new Error(`${text} was read`);
};

describe('JSON of data files', () => {
  it('reads whatever the platform reads, to the same values', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = JSON.stringify(JSON.parse(text));
        // Whole numbers beyond 2^53 are kept as they were written, which the platform cannot.
        fc.pre(!/\d{16}/.test(plain));
        expect(JSON.stringify(parseDataJson(text))).toBe(plain);
      }),
    );
  });

  it('reads numbers that are none, infinite, or too large for a float of JavaScript', () => {
    expect(parseDataJson('[NaN, Infinity, -Inf, 9007199254740993]')).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
      { exactNumber: '9007199254740993' },
    ]);
  });

  it('tells a fault by line and column', () => {
    expect(faultOf('{"a": [1,\n  2,, 3]}')).toMatchObject({ line: 2, column: 5 });
    expect(faultOf('{"a": 1,\n "a": 2}').message).toContain('second time');
    expect(faultOf('[1] 2').message).toContain('follows the end');
    expect(faultOf('["abc]').message).toContain('no end');
    expect(faultOf('[nul]').message).toContain('a value is expected');
    expect(faultOf('['.repeat(100)).message).toContain('nested deeper');
  });

  it('reads a text of many megabytes', () => {
    const text = 'A'.repeat(8 * 2 ** 20);
    expect(parseDataJson(`{"b64": "${text}"}`)).toEqual({ b64: text });
  });
});
