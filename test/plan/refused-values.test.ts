import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/common/units.js';
import { metadataOfConfig } from '../../src/model-config/config-metadata.js';
import { parseInputChoice } from '../../src/plan/input-data/input-choice.js';
import type { ModelLoad } from '../../src/plan/load-plan.js';
import { createLoadPlan } from '../../src/plan/plan.js';
import { explainRefusedValues } from '../../src/plan/refused-values.js';

const config = {
  max_batch_size: 0,
  input: [
    { name: 'ids', data_type: 'TYPE_INT64', dims: [16] },
    { name: 'types', data_type: 'TYPE_INT32', dims: [16] },
    { name: 'x', data_type: 'TYPE_FP32', dims: [4] },
  ],
  output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [4] }],
};

function load(...choices: readonly string[]): ModelLoad {
  const plan = createLoadPlan(
    {
      protocol: 'grpc',
      endpoint: 'localhost:1',
      sequence: { kind: 'stepped', values: [1] },
      stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 1 },
      inputChoices: choices.map(parseInputChoice),
    },
    [{ model: 'm', metadata: metadataOfConfig('m', config), config }],
  );
  return plan.models[0]!;
}

const message =
  "INTERNAL: onnx runtime error 2: Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=# must be within the inclusive range [-2,1]";

describe('values that a model refuses', () => {
  it('are told with the inputs they were generated for, their range, and one that the model takes', () => {
    expect(explainRefusedValues(message, load())).toEqual({
      where: '--input-data',
      what: 'm refuses values that were generated for ids (INT64, 0..99), types (INT32, 0..99): indices element out of data bounds, idx=# must be within the inclusive range [-2,1]',
      hint: 'give a range that it takes, such as --input-data ids:0..1, or real values in a file',
    });
  });

  it('are not those of an input whose given range keeps the limit', () => {
    expect(explainRefusedValues(message, load('ids:0..1'))?.what).toContain('generated for types (INT32, 0..99):');
    expect(explainRefusedValues(message, load('ids:0..1', 'types:0..1'))).toBeUndefined();
  });

  it.each(['UNAVAILABLE: connection refused', 'INTERNAL: out of memory', 'DEADLINE_EXCEEDED: too late'])(
    'are not the cause of %s',
    (text) => {
      expect(explainRefusedValues(text, load())).toBeUndefined();
    },
  );
});
