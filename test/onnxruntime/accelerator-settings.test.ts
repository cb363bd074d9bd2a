import { describe, expect, it } from 'vitest';
import type { AcceleratorConfig, ModelConfig } from '../../src/model-config/model-config.js';
import {
  findEngineOnly,
  findNewerOptions,
  readAccelerators,
  toAccelerator,
} from '../../src/onnxruntime/accelerator-settings.js';
import { providerTable } from '../../src/onnxruntime/provider-table.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';

const onGpu = (...accelerators: readonly AcceleratorConfig[]): ModelConfig => ({
  optimization: { execution_accelerators: { gpu_execution_accelerator: accelerators } },
});
const onCpu = (...accelerators: readonly AcceleratorConfig[]): ModelConfig => ({
  optimization: { execution_accelerators: { cpu_execution_accelerator: accelerators } },
});

describe('execution accelerators of a model config', () => {
  it('become providers with ONNX Runtime’s names and texts, in their order', () => {
    const { settings, problems } = readSessionSettings({
      ...onGpu(
        {
          name: 'tensorrt',
          parameters: {
            precision_mode: 'FP16',
            max_workspace_size_bytes: '1073741824',
            trt_engine_cache_enable: 'on',
            trt_profile_opt_shapes: 'input:4x3x224x224,mask:4x1',
          },
        },
        { name: 'cuda', parameters: { enable_cuda_graph: 'TRUE', cudnn_conv_algo_search: 'HEURISTIC' } },
      ),
      parameters: {
        gpu_mem_limit: { string_value: '18446744073709551615' },
        arena_extend_strategy: { string_value: '1' },
      },
    });
    expect(problems).toEqual([]);
    expect(settings.providers).toEqual([
      {
        name: 'tensorrt',
        options: {
          trt_fp16_enable: '1',
          trt_max_workspace_size: '1073741824',
          trt_engine_cache_enable: '1',
          trt_profile_opt_shapes: 'input:4x3x224x224,mask:4x1',
        },
      },
      {
        name: 'cuda',
        options: {
          enable_cuda_graph: '1',
          cudnn_conv_algo_search: 'HEURISTIC',
          gpu_mem_limit: '18446744073709551615',
          arena_extend_strategy: 'kSameAsRequested',
        },
      },
    ]);
  });

  it.each([
    ['cuda', 'enable_cuda_graph', 'maybe'],
    ['cuda', 'gpu_mem_limit', '0'],
    ['cuda', 'gpu_mem_limit', '18446744073709551616'],
    ['cuda', 'cudnn_conv_algo_search', 'FAST'],
    ['tensorrt', 'precision_mode', 'FP8'],
    ['tensorrt', 'trt_builder_optimization_level', '6'],
    ['tensorrt', 'trt_profile_min_shapes', 'input=1x3'],
    ['tensorrt', 'max_workspace_size_bytes', '-1'],
  ])('refuse %s with %s: %s by its place', (name, key, value) => {
    const { problems } = readAccelerators(onGpu({ name, parameters: { [key]: value } }));
    const where = `optimization.execution_accelerators.gpu_execution_accelerator[0].parameters["${key}"]`;
    expect(problems).toMatchObject([{ where, what: expect.stringContaining(`'${value}'`) }]);
  });

  it('refuse names and keys that are not known with the closest that is', () => {
    const { problems } = readAccelerators({
      optimization: {
        execution_accelerators: {
          gpu_execution_accelerator: [{ name: 'tensorrrt' }, { name: 'cuda', parameters: { enable_cuda_grph: '1' } }],
          cpu_execution_accelerator: [{ name: 'cuda' }, { name: 'openvino', parameters: { num_of_thread: '1' } }],
        },
      },
    });
    expect(problems.map(({ hint }) => hint)).toEqual([
      "did you mean 'tensorrt'?",
      "did you mean 'enable_cuda_graph'?",
      'it goes into gpu_execution_accelerator',
      "did you mean 'num_of_threads'?",
    ]);
  });

  it('cannot be asked for twice', () => {
    expect(readAccelerators(onGpu({ name: 'cuda' }, { name: 'cuda' })).problems).toHaveLength(1);
  });

  it('that only this engine honours are told, and those that Triton has are not', () => {
    expect(findEngineOnly(onGpu({ name: 'cuda', parameters: { use_tf32: '0' } }))).toEqual([]);
    expect(findEngineOnly(onCpu({ name: 'openvino' }))).toEqual([]);
    expect(findEngineOnly(onCpu({ name: 'openvino', parameters: { num_streams: '2' } }))).toEqual([
      "Triton ignores the parameters of 'openvino': num_streams",
    ]);
    expect(findEngineOnly(onCpu({ name: 'xnnpack' }))).toHaveLength(1);
  });

  it('with options that came after the loaded version of ONNX Runtime are refused', () => {
    const { providers } = readAccelerators(onCpu({ name: 'openvino', parameters: { layout: 'image[NCHW]' } }));
    expect(findNewerOptions('1.22.0', providers)).toMatchObject([
      { what: 'ONNX Runtime has this since 1.23, and 1.22.0 is loaded' },
    ]);
    expect(findNewerOptions('1.23.0', providers)).toEqual([]);
  });

  it('whose value needs a later version than the option are refused too', () => {
    const tensorRt = (precision_mode: string) =>
      readAccelerators(onGpu({ name: 'tensorrt', parameters: { precision_mode } })).providers;
    expect(findNewerOptions('1.22.0', tensorRt('FP16'))).toEqual([]);
    expect(findNewerOptions('1.22.0', tensorRt('BF16'))).toMatchObject([
      { what: 'ONNX Runtime has trt_bf16_enable since 1.23, and 1.22.0 is loaded' },
    ]);
    expect(findNewerOptions('1.23.0', tensorRt('BF16'))).toEqual([]);
  });
});

describe('an accelerator of a config', () => {
  it.each(
    providerTable
      .filter(({ acceleratorNames }) => Object.keys(acceleratorNames).length > 0)
      .map((row) => [row.name, row] as const),
  )('of %s comes back from its options', (name, row) => {
    const parameters = Object.fromEntries(
      Object.entries(row.options).flatMap(([key, { defaultText }]) =>
        defaultText === undefined ? [] : [[key, defaultText]],
      ),
    );
    const { device, accelerator } = toAccelerator(name, parameters)!;
    const { providers, problems } = readAccelerators(device === 'gpu' ? onGpu(accelerator) : onCpu(accelerator));
    expect(problems).toEqual([]);
    expect(providers).toMatchObject([{ name }]);
  });
});

describe('the provider table', () => {
  it.each(providerTable.map((row) => [row.name, row] as const))(
    'has defaults for %s that are values of their type',
    (_, row) => {
      for (const { type, defaultText } of Object.values(row.options)) {
        if (defaultText !== undefined) expect(type.read(defaultText)).toBe(defaultText);
      }
    },
  );
});
