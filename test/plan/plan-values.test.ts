import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { seconds } from '../../src/common/units.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { parseInputChoice } from '../../src/plan/input-data/input-choice.js';
import { readJsonData } from '../../src/plan/input-data/json-data.js';
import { recordedPlan } from '../../src/plan/load-plan.js';
import { createLoadPlan, type PlanOptions } from '../../src/plan/plan.js';

const metadata = {
  name: 'm',
  versions: ['1'],
  platform: '',
  inputs: [
    { name: 'A', datatype: 'FP32', shape: [-1, 2] },
    { name: 'B', datatype: 'UINT8', shape: [-1, 1] },
  ],
  outputs: [{ name: 'O', datatype: 'FP32', shape: [-1, 2] }],
};
const config: ModelConfig = {
  max_batch_size: 8,
  input: [{ name: 'B', data_type: 'TYPE_UINT8', dims: [1], optional: true }],
};

function plan(choices: readonly string[], changes: Partial<PlanOptions> = {}, document?: string) {
  const streams = document === undefined ? [] : readJsonData(document, 'in.json', []);
  return createLoadPlan(
    {
      protocol: 'grpc',
      endpoint: 'h:1',
      sequence: { kind: 'stepped', values: [1] },
      stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 0.1 },
      inputChoices: choices.map(parseInputChoice),
      dataFiles: document === undefined ? [] : [{ kind: 'json', path: 'in.json', streams }],
      workerCount: 1,
      ...changes,
    },
    [{ model: 'm', metadata, config }],
  );
}

const sourcesOf = (made: ReturnType<typeof plan>) =>
  made.models[0]!.shapeVariants[0]!.map(({ name, source }) => [name, source.kind]);

const problemsOf = (make: () => unknown): string[] => {
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return thrown.problems.map(({ where, what }) => `${where}: ${what}`);
  }
  return [];
};

describe('where the values of inputs come from', () => {
  it('is chosen for all inputs, or for one', () => {
    expect(sourcesOf(plan([]))).toEqual([
      ['A', 'random'],
      ['B', 'random'],
    ]);
    expect(sourcesOf(plan(['zero', 'B:random']))).toEqual([
      ['A', 'zero'],
      ['B', 'random'],
    ]);
    const [, second] = plan(['B:3..9']).models[0]!.shapeVariants[0]!;
    expect(second!.source).toMatchObject({ kind: 'random', low: 3, high: 9 });
  });

  it('is the file for what is in it; an optional input that is not is left out', () => {
    const document = '{"data": [{"A": [1, 2]}, {"A": [3, 4]}]}';
    expect(sourcesOf(plan(['in.json'], {}, document))).toEqual([['A', 'data']]);
    expect(sourcesOf(plan(['in.json', 'B:zero'], {}, document))).toEqual([
      ['A', 'data'],
      ['B', 'zero'],
    ]);
    expect(sourcesOf(plan(['in.json', 'random'], {}, document))[1]).toEqual(['B', 'random']);
  });

  it('cannot be an unknown input, a range beyond its type, or a file without a needed input', () => {
    expect(problemsOf(() => plan(['C:zero']))).toEqual(['--input-data: no model has the input C']);
    expect(problemsOf(() => plan(['0..300']))).toEqual([
      '--input-data: the range 0..300 does not fit input B, which is UINT8',
    ]);
    expect(problemsOf(() => plan(['in.json'], {}, '{"data": [{"B": [1]}]}'))).toEqual([
      'in.json: has no values for the input A',
    ]);
  });

  it('stays small in the record, which has the digest of the data and no header value', () => {
    const made = plan(['in.json'], { headers: { authorization: 'secret' } }, '{"data": [{"A": [1, 2]}]}');
    const text = JSON.stringify(recordedPlan(made));
    expect(JSON.parse(text).models[0].dataset).toEqual({
      files: ['in.json'],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      streamCount: 1,
      stepCount: 1,
      inputs: ['A'],
      outputs: [],
    });
    expect(text).not.toContain('secret');
  });

  it('takes parameters and outputs along where they are needed', () => {
    expect(plan([]).models[0]).not.toHaveProperty('outputs');
    const made = plan([], { sharedMemory: { kind: 'system', outputBytes: 10 }, requestParameters: { a: 1 } });
    expect(made.models[0]).toMatchObject({ outputs: [{ name: 'O', shape: [2] }], parameters: { a: 1 } });
  });
});
