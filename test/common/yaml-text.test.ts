import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { parseYaml } from '../../src/common/yaml-text.js';

const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, at) => {
    const before = 'abcdefg'[at];
    return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`;
  }),
].join('\n');

describe('YAML that people wrote', () => {
  it.each([
    ['an alias bomb', bomb, /aliases/],
    ['nested lists', `a: ${'['.repeat(20_000)}`, /deeper than/],
    ['nested maps', `a: ${'{a: '.repeat(20_000)}`, /deeper than/],
    [
      'nesting by indentation',
      Array.from({ length: 2_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      /deeper than/,
    ],
    ['nesting on one line', `${'- '.repeat(5_000)}a`, /deeper than/],
  ])('is refused as a bad file: %s', (_, text, words) => {
    const parse = (): unknown => parseYaml(text, 'x.yaml');
    expect(parse).toThrow(PerfTsError);
    expect(parse).toThrow(words);
  });

  it('lists twenty faults at most, and says how many more there are', () => {
    const text = Array.from({ length: 500 }, () => 'a: [1').join('\n');
    try {
      parseYaml(text, 'x.yaml');
      expect.unreachable();
    } catch (thrown) {
      expect((thrown as PerfTsError).problems.length).toBeLessThanOrEqual(21);
      expect((thrown as PerfTsError).code).toBe('BAD_FILE');
    }
  });

  it('takes ordinary anchors, and brackets in texts', () => {
    const text = ['base: &base {min: 1, max: 4}', 'knobs: {a: *base, b: *base}', `note: "${'['.repeat(40)}"`].join(
      '\n',
    );
    expect(parseYaml(text, 'x.yaml').content).toMatchObject({ knobs: { a: { max: 4 }, b: { min: 1 } } });
  });
});
