import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { selectUsable } from '../../../src/tune/knobs/host-context.js';
import { type KnobContext, knobs, scopeOfValue } from '../../../src/tune/knobs/knobs.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { buildSearchSpace, defaultParameters, enumerateVariants } from '../../../src/tune/variants/search-space.js';
import { createVariant, reservedBytes } from '../../../src/tune/variants/variants.js';
import { plainContext, plainModel } from '../support/study-bench.js';

const gpu: KnobContext = {
  ...plainContext,
  providers: ['cuda', 'tensorrt', 'openvino'],
  gpuCount: 1,
  gpuMemoryBytes: 16 * 2 ** 30,
  // Every value of every knob.
  mayNarrow: true,
};
const all = Object.fromEntries(knobs.map(({ name }) => [name, 'auto' as const]));
const space = buildSearchSpace(gpu, all);
const variantOf = (changes: VariantParameters, model = plainModel) =>
  createVariant(model, space, space.canonicalize({ ...defaultParameters(space), ...changes }), gpu);
const configOf = (changes: VariantParameters): ModelConfig => variantOf(changes).config;

describe('the execution provider', () => {
  it('is offered only where it was proven', () => {
    const names = buildSearchSpace(plainContext, { ...all }).dimensions.map(({ name }) => name);
    expect(names.filter((name) => /provider|cuda|tensorrt|openvino/.test(name))).toEqual([]);
    expect(space.dimensions.find(({ name }) => name === 'execution_provider')?.values).toEqual([
      'cpu',
      'cuda',
      'tensorrt',
      'openvino',
    ]);
  });

  it('moves the instances to its device', () => {
    expect(configOf({ execution_provider: 'cuda', instance_count: 3 })).toMatchObject({
      instance_group: [{ kind: 'KIND_GPU', count: 3 }],
      optimization: { execution_accelerators: { gpu_execution_accelerator: [{ name: 'cuda' }] } },
    });
    expect(configOf({ execution_provider: 'openvino' })).toMatchObject({
      instance_group: [{ kind: 'KIND_CPU', count: 2 }],
      optimization: { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino' }] } },
    });
  });

  it('has no options of another one', () => {
    const parameters = space.canonicalize({
      ...defaultParameters(space),
      execution_provider: 'openvino',
      tensorrt_precision_mode: 'FP16',
    });
    expect(parameters.tensorrt_precision_mode).toBe('FP32');
  });

  it('is portable where Triton has it; options that Triton ignores are not', () => {
    const scope = (name: string, value: string | number) =>
      scopeOfValue(knobs.find((knob) => knob.name === name)!, value);
    expect(scope('execution_provider', 'tensorrt')).toBe('portable');
    expect(scope('execution_provider', 'xnnpack')).toBe('engine');
    expect(scope('openvino_num_streams', 2)).toBe('engine');
    expect(scope('tensorrt_precision_mode', 'FP16')).toBe('portable');
  });
});

describe('options of a provider', () => {
  it('of TensorRT are parameters of its accelerator', () => {
    const config = configOf({
      execution_provider: 'tensorrt',
      tensorrt_precision_mode: 'FP16',
      tensorrt_max_workspace_size_bytes: 2 ** 29,
      tensorrt_engine_cache_enable: true,
    });
    expect(config.optimization?.execution_accelerators?.gpu_execution_accelerator).toEqual([
      {
        name: 'tensorrt',
        parameters: { precision_mode: 'FP16', max_workspace_size_bytes: '536870912', trt_engine_cache_enable: '1' },
      },
    ]);
  });

  it('of CUDA that Triton reads from the model alone are parameters of the model, by their numbers', () => {
    const config = configOf({
      execution_provider: 'cuda',
      cuda_cudnn_conv_algo_search: 'HEURISTIC',
      cuda_gpu_mem_limit: 2 ** 31,
      cuda_arena_extend_strategy: 'kSameAsRequested',
      cuda_do_copy_in_default_stream: false,
      cuda_enable_cuda_graph: true,
    });
    expect(config.parameters).toEqual({
      cudnn_conv_algo_search: { string_value: '1' },
      gpu_mem_limit: { string_value: '2147483648' },
      arena_extend_strategy: { string_value: '1' },
      do_copy_in_default_stream: { string_value: '0' },
    });
    expect(config.optimization?.execution_accelerators?.gpu_execution_accelerator).toEqual([
      { name: 'cuda', parameters: { enable_cuda_graph: '1' } },
    ]);
  });

  it('go away with the provider', () => {
    const config: ModelConfig = {
      ...plainModel.config,
      instance_group: [{ kind: 'KIND_GPU', count: 1, gpus: [0] }],
      parameters: { cudnn_conv_algo_search: { string_value: '1' } },
      optimization: { execution_accelerators: { gpu_execution_accelerator: [{ name: 'cuda' }] } },
    };
    const model = { ...plainModel, config, completed: { ...plainModel.completed, ...config } };
    const context = { ...gpu, config: model.completed };
    const own = buildSearchSpace(context, { execution_provider: ['cpu', 'cuda'] });
    const variant = createVariant(model, own, { execution_provider: 'cpu' }, context);
    expect(variant.config.parameters).toBeUndefined();
    expect(variant.config.optimization).toBeUndefined();
    expect(variant.config.instance_group).toEqual([{ kind: 'KIND_CPU', count: 1 }]);
  });

  it('read back what they write', () => {
    for (const knob of knobs.filter(({ name }) => /^(cuda|tensorrt|openvino)_/.test(name) && !name.includes('pool'))) {
      const provider = knob.name.split('_')[0]!;
      const base = configOf({ execution_provider: provider });
      for (const value of knob.values(gpu)) {
        expect(knob.refuse(value, gpu), `${knob.name} ${String(value)}`).toBeUndefined();
        expect(knob.read(knob.write(base, value, gpu)), knob.name).toBe(value);
      }
    }
  });
});

describe('a host without what a sweep asks for', () => {
  it('tunes the rest, and names what is left out', () => {
    const { selection, leftOut } = selectUsable(plainContext, {
      execution_provider: ['cpu', 'tensorrt'],
      tensorrt_precision_mode: ['FP16'],
      cuda_memory_pool_bytes: [0],
      precision: ['fp16'],
      instance_count: [1, 2],
    });
    expect(selection).toEqual({ execution_provider: ['cpu'], instance_count: [1, 2] });
    expect(leftOut.map((sentence) => sentence.split(':')[0])).toEqual([
      'execution_provider tensorrt is not tried',
      'tensorrt_precision_mode is not tuned',
      'cuda_memory_pool_bytes is not tuned',
      'precision is not tuned',
    ]);
  });
});

describe('knobs outside of the config', () => {
  it('become flags of the server, and reserve memory', () => {
    const variant = variantOf({ pinned_memory_pool_bytes: 0, cuda_memory_pool_bytes: 256 * 2 ** 20 });
    expect(variant.serverFlags).toEqual([
      '--pinned-memory-pool-byte-size=0',
      '--cuda-memory-pool-byte-size=0:268435456',
    ]);
    expect(reservedBytes(variant, gpu)).toBe(256 * 2 ** 20);
    expect(variant.id).not.toBe(variantOf({ pinned_memory_pool_bytes: 0 }).id);
  });

  it('become the load, within what the server takes', () => {
    const own = buildSearchSpace(gpu, {
      client_batch_size: [1, 8],
      client_concurrency: [4],
      max_batch_size: [4, 8],
      dynamic_batching: [true],
    });
    const variants = [...enumerateVariants(own)];
    for (const { client_batch_size: rows, max_batch_size: most } of variants) {
      expect(Number(rows)).toBeLessThanOrEqual(Number(most));
    }
    expect(createVariant(plainModel, own, variants[0]!, gpu).load).toEqual({ concurrency: 4 });
    expect(createVariant(plainModel, own, variants.at(-1)!, gpu).load).toEqual({ concurrency: 4, batchSize: 8 });
  });

  it('of another build of ONNX Runtime are for the engine alone', () => {
    const context = { ...plainContext, runtimes: { mine: '/opt/libonnxruntime.so' } };
    const own = buildSearchSpace(context, { runtime: 'auto' });
    expect(createVariant(plainModel, own, { runtime: 'mine' }, context).serverFlags).toEqual([
      '--ort-library=/opt/libonnxruntime.so',
    ]);
  });

  it('take sizes with their units', () => {
    const own = buildSearchSpace(gpu, { pinned_memory_pool_bytes: ['16MiB', '1GiB'] });
    expect(own.dimensions[0]?.values).toEqual([2 ** 24, 2 ** 30]);
    expect(() => buildSearchSpace(gpu, { pinned_memory_pool_bytes: ['much'] })).toThrow(/a size such as 256MiB/);
  });
});

describe('combinations', () => {
  it('that contradict each other are never made', () => {
    const own = buildSearchSpace(
      { ...gpu, canConvert: true },
      {
        execution_provider: ['tensorrt', 'cpu'],
        tensorrt_precision_mode: ['FP32', 'FP16'],
        precision: ['fp32', 'fp16'],
        dynamic_batching: [true],
        max_batch_size: [4, 8],
        preferred_batch_sizes: ['none', '8', '4,8'],
      },
    );
    const variants = [...enumerateVariants(own)];
    expect(variants.length).toBeGreaterThan(5);
    expect(variants.filter((v) => v.precision === 'fp16' && v.tensorrt_precision_mode === 'FP16')).toEqual([]);
    expect(variants.filter((v) => v.max_batch_size === 4 && v.preferred_batch_sizes !== 'none')).toEqual([]);
    // Without the batcher there is no preference, and without parallel execution no second pool of threads.
    const threads = buildSearchSpace(gpu, { execution_mode: ['sequential', 'parallel'], inter_op_threads: [1, 2] });
    expect([...enumerateVariants(threads)]).toHaveLength(3);
  });
});
