import { describe, expect, it } from 'vitest';
import type { PerfTsError } from '../../src/common/errors.js';
import { metadataOfConfig } from '../../src/model-config/config-metadata.js';
import { formatInputChoice, parseInputChoice } from '../../src/plan/input-data/input-choice.js';
import { checkContents, recordContents } from '../../src/plan/request-contents.js';

const config = {
  name: 'm',
  max_batch_size: 4,
  input: [
    { name: 'ids', data_type: 'TYPE_INT64', dims: [-1] },
    { name: 'x', data_type: 'TYPE_FP32', dims: [3, 8] },
    { name: 'text', data_type: 'TYPE_STRING', dims: [1] },
  ],
  output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [8] }],
};
const model = { model: 'm', metadata: metadataOfConfig('m', config), config };

function problemsOf(check: () => void): string[] {
  try {
    check();
  } catch (thrown) {
    return (thrown as PerfTsError).problems.map(({ where, what }) => `${where}: ${what}`);
  }
  return [];
}

describe('what requests hold', () => {
  it('is checked against a model that no server has yet, all problems together', () => {
    const found = problemsOf(() =>
      checkContents(
        {
          shapes: { x: [3, 9], nope: [1] },
          inputChoices: [parseInputChoice('idz:0..4'), parseInputChoice('text:zero')],
        },
        [model],
        [9],
      ),
    );
    expect(found.join('\n')).toMatch(/--shape: .*ids has dynamic dimensions/);
    expect(found.join('\n')).toMatch(/--shape: input x has the shape \[3, 8\]/);
    expect(found.join('\n')).toMatch(/nope/);
    expect(found.join('\n')).toMatch(/--input-data: no model has the input idz/);
    expect(found.join('\n')).toMatch(/-b: /);
  });

  it('is fine where every open dimension has a size', () => {
    expect(problemsOf(() => checkContents({ shapes: { ids: [16] } }, [model], [4]))).toEqual([]);
  });

  it('is recorded as plain data that tells two contents apart', () => {
    const contents = { shapes: { ids: [16] }, inputChoices: ['ids:0..49', 'text:zero'].map(parseInputChoice) };
    const recorded = recordContents(contents, [model]);
    expect(recorded).toEqual({ shapes: { ids: [16] }, inputData: ['ids:0..49', 'text:zero'] });
    expect(JSON.parse(JSON.stringify(recorded))).toEqual(recorded);
  });
});

describe('a choice of input data', () => {
  it.each(['random', 'zero', '0..49', '-2.5..3.75', 'x:0:0..1', 'ids:random', 'a/b.json', 'dir:x/y'])(
    'reads back as it was written: %s',
    (text) => {
      expect(formatInputChoice(parseInputChoice(text))).toBe(text);
    },
  );
});
