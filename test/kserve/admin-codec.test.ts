import { describe, expect, it } from 'vitest';
import {
  decodeAdminRequest,
  decodeAdminResponse,
  encodeAdminRequest,
  encodeAdminResponse,
  fullModelConfig,
  grpcMethodPath,
} from '../../src/kserve/admin-codec.js';
import { messageType } from '../../src/kserve/grpc-service.js';
import type { ModelStatistics } from '../../src/kserve/metadata.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import { fillStatistics } from '../../src/kserve/statistics-form.js';

const duration = (count: number): { count: number; ns: number } => ({ count, ns: count * 1_000_000_007 });

const statistics: ModelStatistics = {
  name: 'm',
  version: '1',
  last_inference: 1_763_000_000_000,
  inference_count: 12,
  execution_count: 5,
  inference_stats: {
    success: duration(1),
    fail: duration(0),
    queue: duration(3),
    compute_input: duration(4),
    compute_infer: duration(5),
    compute_output: duration(6),
    cache_hit: duration(0),
    cache_miss: duration(0),
  },
  batch_stats: [{ batch_size: 2, compute_input: duration(1), compute_infer: duration(2), compute_output: duration(3) }],
};

describe('the administrative codec', () => {
  it('names methods by their full path', () => {
    expect(grpcMethodPath('ModelInfer')).toBe('/inference.GRPCInferenceService/ModelInfer');
  });

  it('carries statistics there and back, with counters beyond 32 bits', () => {
    const bytes = encodeAdminResponse('ModelStatistics', { model_stats: [statistics] });
    expect(decodeAdminResponse('ModelStatistics', bytes)).toEqual({ model_stats: [statistics] });
  });

  it('reads statistics that a server left out as zero', () => {
    const bytes = messageType('ModelStatisticsResponse')
      .encode({ model_stats: [{ name: 'm', version: '1' }] })
      .finish();
    const [first] = decodeAdminResponse('ModelStatistics', bytes).model_stats;
    expect(first).toMatchObject({
      inference_count: 0,
      inference_stats: { queue: { count: 0, ns: 0 } },
      batch_stats: [],
    });
  });

  it('carries metadata with dynamic dimensions', () => {
    const metadata = {
      name: 'm',
      versions: ['1', '2'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [] }],
    };
    expect(decodeAdminResponse('ModelMetadata', encodeAdminResponse('ModelMetadata', metadata))).toEqual(metadata);
  });

  it('gives back only what a model configuration says, enums by name', () => {
    const config = {
      name: 'm',
      max_batch_size: 8,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 3] }],
      instance_group: [{ count: 2, kind: 'KIND_CPU' }],
      dynamic_batching: { max_queue_delay_microseconds: 100 },
      parameters: { intra_op_thread_count: { string_value: '1' } },
    };
    expect(decodeAdminResponse('ModelConfig', encodeAdminResponse('ModelConfig', { config }))).toEqual({ config });
  });

  it('reads empty requests as empty texts', () => {
    expect(decodeAdminRequest('ModelReady', new Uint8Array())).toEqual({ name: '', version: '' });
    const bytes = encodeAdminRequest('ModelReady', { name: 'm', version: '3' });
    expect(decodeAdminRequest('ModelReady', bytes)).toEqual({ name: 'm', version: '3' });
  });

  it.each([[[0x0a, 0xff]], [[0x0f]], [[0x0a, 0x05, 1]]])('refuses the malformed bytes %j', (bytes) => {
    expect(() => decodeAdminRequest('ModelReady', Uint8Array.from(bytes))).toThrow(ProtocolError);
  });
});

describe('the full form of a model configuration', () => {
  it('has plain fields at zero and leaves absent messages out', () => {
    const full = fullModelConfig({ name: 'm', input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [4] }] });
    expect(full).toMatchObject({ name: 'm', max_batch_size: 0, backend: '', output: [], parameters: {} });
    expect(full.input).toEqual([expect.objectContaining({ dims: [4], optional: false, format: 'FORMAT_NONE' })]);
    expect(full).not.toHaveProperty('dynamic_batching');
    expect(full).not.toHaveProperty('optimization');
  });

  it('keeps an empty dynamic_batching, which switches batching on', () => {
    expect(fullModelConfig({ name: 'm', dynamic_batching: {} })).toHaveProperty('dynamic_batching');
  });
});

describe('statistics from HTTP', () => {
  it('are read with numbers written as texts', () => {
    const [first] = fillStatistics([{ name: 'm', inference_count: '12' }]);
    expect(first).toMatchObject({ name: 'm', version: '', inference_count: 12, execution_count: 0 });
  });

  it('that are no list give none', () => {
    expect(fillStatistics('nothing')).toEqual([]);
  });
});
