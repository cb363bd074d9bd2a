import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { knobs } from '../../../src/tune/knobs/knobs.js';
import { describeTriton, offerOnTriton } from '../../../src/tune/launchers/offered-knobs.js';
import { withoutFilledIn } from '../../../src/tune/launchers/remote-server.js';
import { buildSearchSpace, type KnobSelection } from '../../../src/tune/variants/search-space.js';

const python: ModelConfig = { name: 'm', backend: 'python', max_batch_size: 8, instance_group: [{ count: 1 }] };
const onnx: ModelConfig = { ...python, backend: 'onnxruntime' };
const [running, ours] = [
  { takesFlags: false, takesFiles: false },
  { takesFlags: true, takesFiles: true },
];

function offer(config: ModelConfig, selection: KnobSelection | undefined, what = running) {
  const context = describeTriton(config, selection);
  const offered = offerOnTriton(selection, context, what);
  return { ...offered, names: buildSearchSpace(context, offered.selection).dimensions.map(({ name }) => name) };
}

describe('what can be tuned on a Triton', () => {
  it('is instances and batching for a model of another backend than ONNX Runtime', () => {
    const { names, leftOut } = offer(python, undefined);
    expect(names).toEqual(['instance_count', 'dynamic_batching', 'max_batch_size', 'max_queue_delay_us']);
    expect(leftOut.join()).toMatch(/intra_op_threads.*not tuned: the python backend does not read them/);
    expect(offer(python, { preferred_batch_sizes: 'auto', dynamic_batching: [true, false] }).names).toEqual([
      'dynamic_batching',
      'preferred_batch_sizes',
    ]);
  });

  it('is the session’s options too for an ONNX model, and no option that only our engine honours', () => {
    const { names } = offer(onnx, undefined);
    expect(names).toContain('intra_op_threads');
    expect(names).toContain('graph_level');
    expect(names.filter((name) => name.startsWith('openvino'))).toEqual([]);
    const asked = offer(onnx, { openvino_num_streams: 'auto', instance_count: [1, 2] });
    expect(asked.names).toEqual(['instance_count']);
    expect(asked.leftOut.join()).toMatch(/openvino_num_streams.*only perf-ts serve honours/);
  });

  it('is flags and files only where the server is started by us', () => {
    const selection: KnobSelection = { instance_count: [1, 2], pinned_memory_pool_bytes: [0], precision: ['fp16'] };
    const remote = offer(onnx, selection);
    expect(remote.names).toEqual(['instance_count']);
    expect(remote.leftOut.join()).toMatch(/pinned_memory_pool_bytes is not tuned: the flags of a running server/);
    expect(remote.leftOut.join()).toMatch(/precision is not tuned: the model’s files/);
    const local = offerOnTriton(selection, { ...describeTriton(onnx, selection), canConvert: true }, ours);
    expect(Object.keys(local.selection ?? {})).toEqual(Object.keys(selection));
    expect(local.leftOut).toEqual([]);
  });

  it('is a tritonserver’s threads too where it is started by us, which our engine does not take', () => {
    const selection: KnobSelection = { grpc_infer_threads: [2, 4], buffer_threads: 'auto' };
    const { selection: offered, leftOut } = offerOnTriton(selection, describeTriton(python, selection), ours);
    const { dimensions } = buildSearchSpace(describeTriton(python, selection), offered);
    expect(dimensions.map(({ values }) => values)).toEqual([
      [2, 4],
      [0, 1, 2, 4],
    ]);
    expect(leftOut).toEqual([]);
    const engine = { config: onnx, cpuCount: 2 };
    expect(() => buildSearchSpace(engine, selection)).toThrow(/only a tritonserver has it/);
  });

  it('is the providers that a sweep file lists, because a server cannot be asked for its build', () => {
    const listed: KnobSelection = { execution_provider: ['cpu', 'cuda'], instance_count: [1, 2] };
    expect(offer(onnx, listed).names).toEqual(['execution_provider', 'instance_count']);
    expect(offer(onnx, { execution_provider: 'auto', instance_count: [1, 2] }).leftOut.join()).toMatch(/list them/);
  });

  it('keeps a knob that does not exist, which is then refused by name', () => {
    const { selection } = offerOnTriton({ instances: [1, 2] }, describeTriton(onnx, undefined), running);
    expect(() => buildSearchSpace(describeTriton(onnx, undefined), selection)).toThrow(/is not a knob/);
  });

  it('names every knob it offers to any backend by a name that exists', () => {
    const names = new Set(knobs.map(({ name }) => name));
    const every = Object.fromEntries([...names].map((name) => [name, 'auto' as const]));
    const kept = Object.keys(offerOnTriton(every, describeTriton(python, every), ours).selection ?? {});
    expect(kept.length).toBe(14);
  });
});

describe('a server’s own config as the default', () => {
  it('loses the preferred batch size that the server filled in, which a larger limit would contradict', () => {
    const filled = { ...python, dynamic_batching: { preferred_batch_size: [8], max_queue_delay_microseconds: 5 } };
    expect(withoutFilledIn(filled).dynamic_batching).toEqual({ max_queue_delay_microseconds: 5 });
    const chosen = { ...python, dynamic_batching: { preferred_batch_size: [4, 8] } };
    expect(withoutFilledIn(chosen)).toEqual(chosen);
    expect(withoutFilledIn(python)).toEqual(python);
  });
});
