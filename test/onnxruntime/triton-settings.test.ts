import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';

const parameters = (values: Record<string, string>): ModelConfig => ({
  parameters: Object.fromEntries(Object.entries(values).map(([key, string_value]) => [key, { string_value }])),
});

describe('session settings from a model config', () => {
  it.each([
    [undefined, 'all'],
    [0, 'all'],
    [-1, 'basic'],
    [1, 'extended'],
    [2, 'disabled'],
    [99, 'all'],
  ])('take graph level %s as Triton’s backend does: %s', (level, expected) => {
    const graph = level === undefined ? {} : { level };
    expect(readSessionSettings({ optimization: { graph } }).settings.graphLevel).toBe(expected);
  });

  it('take every parameter that the backend reads', () => {
    const { settings, problems } = readSessionSettings(
      parameters({
        intra_op_thread_count: '3',
        inter_op_thread_count: '2',
        execution_mode: '1',
        enable_mem_arena: 'ON',
        enable_mem_pattern: 'true',
        'session.use_device_allocator_for_initializers': '1',
        'memory.enable_memory_arena_shrinkage': 'cpu:0',
      }),
    );
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      graphLevel: 'all',
      intraOpThreads: 3,
      interOpThreads: 2,
      executionMode: 'parallel',
      cpuArena: true,
      memoryPattern: true,
      configEntries: { 'session.use_device_allocator_for_initializers': '1' },
      runConfigEntries: { 'memory.enable_memory_arena_shrinkage': 'cpu:0' },
    });
  });

  it('leave the number of threads to ONNX Runtime at 0', () => {
    expect(readSessionSettings(parameters({ intra_op_thread_count: '0' })).settings).toEqual({ graphLevel: 'all' });
  });

  it.each([
    ['intra_op_thread_count', 'two'],
    ['inter_op_thread_count', '70000'],
    ['execution_mode', '2'],
    ['enable_mem_arena', 'maybe'],
    ['session.use_device_allocator_for_initializers', 'yes'],
    ['memory.enable_memory_arena_shrinkage', 'disk:0'],
  ])('refuse %s: %s by name', (key, value) => {
    const { problems } = readSessionSettings(parameters({ [key]: value }));
    expect(problems).toMatchObject([{ where: `parameters["${key}"]`, what: expect.stringContaining(`'${value}'`) }]);
  });

  it('reads numbers as Triton does', () => {
    const { settings, problems } = readSessionSettings(
      parameters({ intra_op_thread_count: ' 3 threads', inter_op_thread_count: '-1', execution_mode: '+1' }),
    );
    expect(problems).toEqual([]);
    expect(settings).toEqual({ graphLevel: 'all', intraOpThreads: 3, executionMode: 'parallel' });
  });

  it('leaves what is unknown, or another provider’s, without effect', () => {
    const config = parameters({ intra_op_thread_cuont: '1', gpu_mem_limit: 'x', toString: '1', metadata: '{}' });
    expect(readSessionSettings(config)).toMatchObject({ settings: { graphLevel: 'all' }, problems: [] });
  });

  it('refuse to shrink an arena that is not there', () => {
    const shrinkage = 'memory.enable_memory_arena_shrinkage';
    const off = readSessionSettings(parameters({ enable_mem_arena: 'false', [shrinkage]: 'cpu:0' }));
    const gpu = readSessionSettings(parameters({ [shrinkage]: 'cpu:0;gpu:0' }));
    for (const { problems } of [off, gpu]) expect(problems).toMatchObject([{ where: `parameters["${shrinkage}"]` }]);
  });
});
