import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatModelConfig } from '../../src/model-config/format-config.js';
import { modelConfigFromJson } from '../../src/model-config/json-form.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { modelConfigs } from './config-arbitrary.js';

describe('formatModelConfig', () => {
  it('writes what a person would, in a fixed order', () => {
    const config: ModelConfig = {
      parameters: { intra_op_thread_count: { string_value: '1' } },
      dynamic_batching: { max_queue_delay_microseconds: 100, preferred_batch_size: [4, 8] },
      instance_group: [{ kind: 'KIND_CPU', count: 2 }],
      output: [{ name: '308', data_type: 'TYPE_FP32', dims: [26, 37] }],
      input: [
        { name: 'input.1', data_type: 'TYPE_FP32', dims: [1, 32, 100] },
        { name: 'mask', data_type: 'TYPE_BOOL', dims: [1], reshape: { shape: [] } },
      ],
      max_batch_size: 32,
      backend: 'onnxruntime',
      name: 'text_recognition',
    };
    expect(formatModelConfig(config)).toBe(`name: "text_recognition"
backend: "onnxruntime"
max_batch_size: 32
input [
  {
    name: "input.1"
    data_type: TYPE_FP32
    dims: [ 1, 32, 100 ]
  },
  {
    name: "mask"
    data_type: TYPE_BOOL
    dims: [ 1 ]
    reshape { }
  }
]
output [
  {
    name: "308"
    data_type: TYPE_FP32
    dims: [ 26, 37 ]
  }
]
instance_group [
  {
    kind: KIND_CPU
    count: 2
  }
]
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 100
}
parameters {
  key: "intra_op_thread_count"
  value { string_value: "1" }
}
`);
  });

  it('is read back as the same config, whatever it holds', () => {
    fc.assert(
      fc.property(modelConfigs, (config) => {
        expect(parseModelConfig(formatModelConfig(config), 'config.pbtxt')).toEqual(config);
      }),
    );
  });

  it('does not depend on the order of fields and map entries', () => {
    fc.assert(
      fc.property(modelConfigs, (config) => {
        const reversed = (value: unknown): unknown => {
          if (Array.isArray(value)) return value.map(reversed);
          if (typeof value !== 'object' || value === null) return value;
          const entries = Object.entries(value).reverse();
          return Object.fromEntries(entries.map(([name, inner]) => [name, reversed(inner)]));
        };
        expect(formatModelConfig(reversed(config) as ModelConfig)).toBe(formatModelConfig(config));
      }),
    );
  });

  it('refuses a field that no config has', () => {
    expect(() => formatModelConfig({ nam: 'x' })).toThrow("ModelConfig has no field 'nam'");
  });
});

describe('modelConfigFromJson', () => {
  it('gives the config back that was written as JSON', () => {
    const finite = modelConfigs.filter(
      (config) => !/null|-0/.test(JSON.stringify(config)) && !holdsNegativeZero(config),
    );
    fc.assert(
      fc.property(finite, (config) => {
        expect(modelConfigFromJson(JSON.parse(JSON.stringify(config)), 'answer')).toEqual(config);
      }),
    );
  });

  it('takes 64-bit numbers as texts, enums as numbers, and drops nulls and empty lists', () => {
    const document = {
      input: [{ name: 'x', data_type: 11, dims: ['-1', 3] }],
      batch_input: [],
      parameters: {},
      optimization: null,
      version_policy: { latest: { num_versions: 1 } },
    };
    expect(modelConfigFromJson(document, 'answer')).toEqual({
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 3] }],
      version_policy: { latest: { num_versions: 1 } },
    });
  });

  it('reports every problem with its path', () => {
    const document = {
      nam: 1,
      max_batch_size: 1.5,
      input: [{ data_type: 'FP32', dims: 'x' }],
      instance_group: {},
      dynamic_batching: {},
      sequence_batching: {},
    };
    expect(() => modelConfigFromJson(document, 'answer')).toThrow(
      [
        'answer: nam: there is no such field',
        'answer: max_batch_size: must be a whole number from -2147483648 to 2147483647',
        "answer: input[0].data_type: 'FP32' is not one of TYPE_INVALID, TYPE_BOOL, TYPE_UINT8, TYPE_UINT16, TYPE_UINT32, TYPE_UINT64, TYPE_INT8, TYPE_INT16, TYPE_INT32, TYPE_INT64, TYPE_FP16, TYPE_FP32, TYPE_FP64, TYPE_STRING, TYPE_BF16",
        'answer: input[0].dims: must be a list',
        'answer: instance_group: must be a list',
        'answer: only one of dynamic_batching and sequence_batching can be given',
      ].join('; '),
    );
    expect(() => modelConfigFromJson('text', 'answer')).toThrow(
      'answer: must be an object with the fields of ModelConfig',
    );
  });
});

/** JSON has no -0, NaN or infinities. */
function holdsNegativeZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(holdsNegativeZero);
  return Object.is(value, -0);
}
