import { describe, expect, it } from 'vitest';
import { PerfTsError, type Problem } from '../../src/common/errors.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';

function problemsOf(text: string): readonly Problem[] {
  try {
    parseModelConfig(text, 'config.pbtxt');
  } catch (thrown) {
    if (thrown instanceof PerfTsError && thrown.code === 'BAD_FILE') return thrown.problems;
    throw thrown;
  }
  return [];
}

const placesAndSentences = (text: string) => problemsOf(text).map(({ where, what }) => `${where} ${what}`);

describe('parseModelConfig', () => {
  it('reads lists, repeated fields, maps, comments and separators alike', () => {
    const text = `# comment
      name: "m", max_batch_size: 8; # another
      input [ { name: "a" data_type: TYPE_FP32 dims: [ 3, -1 ] } ]
      input: < name: 'b' data_type: TYPE_STRING dims: 1 dims: 2 >
      parameters { key: "k" value: { string_value: "v" } }
      parameters [ { key: "two" value { string_value: "1" "2" } } ]
      dynamic_batching { }`;
    expect(parseModelConfig(text, 'config.pbtxt')).toEqual({
      name: 'm',
      max_batch_size: 8,
      input: [
        { name: 'a', data_type: 'TYPE_FP32', dims: [3, -1] },
        { name: 'b', data_type: 'TYPE_STRING', dims: [1, 2] },
      ],
      parameters: { k: { string_value: 'v' }, two: { string_value: '12' } },
      dynamic_batching: {},
    });
  });

  it('holds only what the file says', () => {
    expect(parseModelConfig('', 'config.pbtxt')).toEqual({});
    expect(parseModelConfig('max_batch_size: 0', 'config.pbtxt')).toEqual({ max_batch_size: 0 });
  });

  it('keeps fields of the published schema that perf-ts does not act on', () => {
    const text =
      'model_warmup { name: "w" batch_size: 1 inputs { key: "x" value { data_type: TYPE_FP32 dims: 3 zero_data: true } } }';
    expect(parseModelConfig(text, 'config.pbtxt')).toEqual({
      model_warmup: [
        { name: 'w', batch_size: 1, inputs: { x: { data_type: 'TYPE_FP32', dims: [3], zero_data: true } } },
      ],
    });
  });

  it('reports every unknown field and wrong value with its line and path', () => {
    const text = [
      'nam: "x"',
      'max_batch_size: abc',
      'input { name: 3',
      '  data_type: TYPE_FLOAT dims: [ 1, "2" ] }',
    ].join('\n');
    const [unknown, ...rest] = problemsOf(text);
    expect(unknown).toEqual({ where: 'config.pbtxt:1', what: "unknown field 'nam'", hint: "did you mean 'name'?" });
    expect(rest.map(({ where }) => where)).toEqual([
      'config.pbtxt:2',
      'config.pbtxt:3',
      'config.pbtxt:4',
      'config.pbtxt:4',
    ]);
    expect(rest[0]?.what).toBe("'max_batch_size' takes a whole number, not abc");
    expect(rest[2]?.what).toContain("'input[0].data_type' takes one of TYPE_INVALID, TYPE_BOOL");
    expect(rest[3]?.what).toBe(`'input[0].dims[1]' takes a whole number, not "2"`);
  });

  it('refuses a field given twice and two schedulers at once', () => {
    expect(placesAndSentences('name: "a"\nname: "b"\ndynamic_batching {}\nsequence_batching {}')).toEqual([
      "config.pbtxt:2 'name' is given again (first on line 1)",
      "config.pbtxt:4 'sequence_batching' contradicts line 3: only one of dynamic_batching, sequence_batching, ensemble_scheduling can be given",
    ]);
  });

  it('refuses // comments as Triton does, and says how comments begin', () => {
    expect(placesAndSentences('name: "a"\n// no')).toEqual(["config.pbtxt:2 comments begin with '#', not '//'"]);
  });

  it('names the line of a brace, bracket or quote that is never closed', () => {
    expect(placesAndSentences('name: "a"\ninput {\n  name: "x"\n')).toEqual([
      "config.pbtxt:2 the '{' opened here has no '}'",
    ]);
    expect(placesAndSentences('input {\n dims: [ 1, 2\n')).toEqual(["config.pbtxt:2 the '[' opened here has no ']'"]);
    expect(placesAndSentences('\nname: "a')).toEqual([
      'config.pbtxt:2 the text that begins here has no closing quote on its line',
    ]);
  });

  it.each([
    ['max_batch_size: 1.5', 'takes a whole number, not 1.5'],
    ['max_batch_size: 2147483648', 'takes a whole number of 32 bits'],
    ['dynamic_batching { max_queue_delay_microseconds: -1 }', 'takes a whole number from 0 up, not -1'],
    ['dynamic_batching { preserve_ordering: yes }', 'takes true or false, not yes'],
    [
      'dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 }',
      'must be a whole number from 0 to 9007199254740991',
    ],
    ['input { data_type: 99 }', "'99' is not one of TYPE_INVALID"],
    ['max_batch_size: [ 1 ]', "'max_batch_size' takes one value, not a list"],
    ['input: 3', "'input[0]' takes fields in braces, not 3"],
    ['parameters { key: "a" valu: 1 }', "unknown field 'parameters[0].valu' in a map entry"],
    [
      'parameters { key: "a" value { string_value: 1 } }',
      `'parameters["a"].string_value' takes a text in quotes, not 1`,
    ],
    ['name "x"', "expected ':' after 'name'"],
  ])('refuses %s', (text, sentence) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.where).toBe('config.pbtxt:1');
    expect(problems[0]?.what).toContain(sentence);
  });
});

describe('a hostile config', () => {
  it.each([
    ['nested', 'dynamic_batching { '.repeat(50_000)],
    ['endless', `name: "${'x'.repeat(5_000_000)}"`],
  ])('is refused as a bad file: %s', (_, text) => {
    expect(() => parseModelConfig(text, 'config.pbtxt')).toThrow(PerfTsError);
  });

  it('may hold brackets in texts and comments', () => {
    const text = `name: "${'{'.repeat(100)}" # ${'<'.repeat(100)}\nmax_batch_size: 4`;
    expect(parseModelConfig(text, 'config.pbtxt').max_batch_size).toBe(4);
  });
});
