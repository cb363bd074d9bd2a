/**
 * What a Triton with the ONNX Runtime backend says to one config after the other, by its source (core's ValidateModelConfig and
 * ValidateIOShape, the backend's ValidateInputs and ValidateOutputs): whatever loads here has to load there, and what
 * has no effect there keeps no model from being served here.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../engine/model.js';
import { prepareModel } from '../../engine/repository/prepare-model.js';
import { PerfTsError } from '../../src/common/errors.js';
import { writeRepository } from '../support/model-repository.js';
import { floatBytes, type OnnxModel, type OnnxValue, writeOnnx } from '../support/onnx-model.js';

const value = (name: string, shape: OnnxValue['shape'], type: OnnxValue['type'] = 'FP32'): OnnxValue =>
  shape === undefined ? { name, type } : { name, type, shape };
const neg = (from = 'X', to = 'Y') => ({ op: 'Neg', inputs: [from], outputs: [to] });
const unary = (shape: OnnxValue['shape'], out = shape): OnnxModel => ({
  nodes: [neg()],
  inputs: [value('X', shape)],
  outputs: [value('Y', out)],
});

const matrix = unary(['N', 4]);
const vector = unary(['N']);
const open = unary(['N', 'A']);
const openPair = unary(['N', 'A', 'B']);
const fixed = unary([2, 4]);
const scalar = unary([]);
const image = unary(['N', 3, 8, 8]);
/** Z = X * S, S a scalar beside a batch. */
const scaled: OnnxModel = {
  nodes: [{ op: 'Mul', inputs: ['X', 'S'], outputs: ['Y'] }],
  inputs: [value('X', ['N', 4]), value('S', [])],
  outputs: [value('Y', ['N', 4])],
};
const optional: OnnxModel = {
  nodes: [{ op: 'Add', inputs: ['X', 'W'], outputs: ['Y'] }],
  inputs: [value('X', ['N', 4]), value('W', ['M', 4])],
  outputs: [value('Y', ['N', 4])],
  initializers: [{ name: 'W', dims: [1, 4], bytes: floatBytes([1, 2, 3, 4]) }],
};
const twoOutputs: OnnxModel = {
  nodes: [neg(), { op: 'ReduceSum', inputs: ['X'], outputs: ['Z'], ints: { keepdims: 0 } }],
  inputs: [value('X', ['N', 4])],
  outputs: [value('Y', ['N', 4]), value('Z', [])],
};

const onnx = 'backend: "onnxruntime" ';
const io = (role: string, name: string, dims: string, more = '', type = 'FP32'): string =>
  `${role} { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] ${more} } `;
const both = (dims: string, more = '', out = dims): string =>
  io('input', 'X', dims, more) + io('output', 'Y', out, more);
const batch = `${onnx}max_batch_size: 4 `;
const reshaped = (shape: string): string => `reshape { shape: [ ${shape} ] }`;

/** Undefined where Triton loads it, else a part of what is said here. */
type Row = readonly [kind: string, model: OnnxModel, config: string, refusal?: string | undefined];
const rows: readonly Row[] = [
  ['nothing at all', matrix, ''],
  ['a platform alone', matrix, 'platform: "onnxruntime_onnx"'],
  ['what the model has', matrix, batch + both('4')],
  ['an input narrower than the model', open, batch + io('input', 'X', '4') + io('output', 'Y', '-1')],
  ['an input wider than the model', matrix, batch + io('input', 'X', '-1') + io('output', 'Y', '4'), 'input[0].dims'],
  [
    'an output narrower than the model',
    open,
    batch + io('input', 'X', '-1') + io('output', 'Y', '4'),
    'output[0].dims',
  ],
  ['an output wider than the model', matrix, batch + io('input', 'X', '4') + io('output', 'Y', '-1'), 'output[0].dims'],
  ['another number of dims', matrix, batch + both('2, 2'), 'input[0].dims'],
  ['the batch among the dims', matrix, batch + both('-1, 4'), 'input[0].dims'],
  ['no batching', matrix, onnx + both('-1, 4')],
  ['no batching and a batch of one size', matrix, onnx + io('input', 'X', '1, 4') + io('output', 'Y', '-1, 4')],
  ['dims [1] on a batched vector', vector, batch + both('1'), 'reshape { shape: [ ] }'],
  ['dims [1] reshaped on a batched vector', vector, batch + both('1', reshaped(''))],
  ['a scalar as dims [1]', scalar, onnx + both('1')],
  ['a scalar as dims [1, 1]', scalar, onnx + both('1, 1')],
  ['a scalar as dims [2]', scalar, onnx + both('2'), "the model's scalar"],
  ['a scalar reshaped to nothing without batching', scalar, onnx + both('1', reshaped('')), 'reshape.shape'],
  [
    'a scalar beside a batch, named',
    scaled,
    batch + io('input', 'X', '4') + io('input', 'S', '1') + io('output', 'Y', '4'),
  ],
  ['a scalar beside a batch, taken from the model', scaled, batch, 'max_batch_size: must be 0'],
  ['max_batch_size for a fixed first dimension', fixed, `${batch}${both('4')}`, 'max_batch_size: must be 0'],
  ['max_batch_size alone for a fixed first dimension', fixed, batch, 'max_batch_size: must be 0'],
  ['an output that cannot batch, left out', twoOutputs, batch + both('4')],
  ['a reshape that keeps the elements', matrix, batch + both('2, 2', reshaped('4'))],
  ['a reshape that loses elements', matrix, batch + both('3', reshaped('4')), 'reshape.shape'],
  ['a reshape with open sizes in their places', openPair, batch + both('1, -1, -1', reshaped('-1, -1'))],
  [
    'a reshape of elements over an open size',
    unary(['N', 2, 'A']),
    batch + both('-1, 2', reshaped('2, -1')),
    'ambiguous',
  ],
  ['a reshape that closes an open size', matrix, batch + both('-1', reshaped('4')), 'reshape.shape'],
  ['a size of 0', matrix, batch + both('0'), 'dims[0]'],
  ['no dims', matrix, `${batch}input { name: "X" data_type: TYPE_FP32 } ${io('output', 'Y', '4')}`, 'dims'],
  ['no data type', matrix, `${batch}input { name: "X" dims: 4 } ${io('output', 'Y', '4')}`, 'data_type'],
  ['another data type', matrix, batch + io('input', 'X', '4', '', 'FP16') + io('output', 'Y', '4'), 'data_type'],
  ['an input that the model lacks', matrix, batch + both('4') + io('input', 'Q', '4'), "no input 'Q'"],
  ['an input missing', scaled, onnx + io('input', 'X', '-1, 4') + io('output', 'Y', '-1, 4'), "'S'"],
  ['an output that the model lacks', matrix, batch + both('4') + io('output', 'Q', '4'), "no output 'Q'"],
  ['an output missing', twoOutputs, onnx + both('-1, 4')],
  ['an optional input without batching', optional, onnx + both('-1, 4') + io('input', 'W', '-1, 4', 'optional: true')],
  [
    'an optional input beside a batch',
    optional,
    batch + both('4') + io('input', 'W', '4', 'optional: true'),
    'optional',
  ],
  [
    'an input that may be left out, named as one that may not',
    optional,
    onnx + both('-1, 4') + io('input', 'W', '-1, 4'),
    'optional',
  ],
  [
    'an input that is optional and the model needs',
    matrix,
    onnx + io('input', 'X', '-1, 4', 'optional: true') + io('output', 'Y', '-1, 4'),
    'optional',
  ],
  [
    'NCHW of three dims',
    image,
    batch + io('input', 'X', '3, 8, 8', 'format: FORMAT_NCHW') + io('output', 'Y', '3, 8, 8'),
  ],
  ['NHWC of one dim', matrix, batch + io('input', 'X', '4', 'format: FORMAT_NHWC') + io('output', 'Y', '4'), 'format'],
  ['a shape tensor', matrix, batch + both('4', 'is_shape_tensor: true'), 'is_shape_tensor'],
  ['a non-linear format', image, batch + both('3, 8, 8', 'is_non_linear_format_io: true'), 'is_non_linear_format_io'],
  ['the backend’s own library as runtime', matrix, `${batch}${both('4')} runtime: "libtriton_onnxruntime.so"`],
  ['another runtime', matrix, `${batch}${both('4')} runtime: "model.py"`, 'runtime'],
  ['another backend', matrix, 'backend: "python"', 'backend'],
  ['another platform', matrix, 'backend: "onnxruntime" platform: "tensorrt_plan"', 'platform'],
  ['another file without a backend', matrix, 'default_model_filename: "net.onnx"', 'backend'],
  ['a negative max_batch_size', matrix, `${onnx}max_batch_size: -1`, 'max_batch_size'],
  [
    'a preferred size above the largest',
    matrix,
    `${batch}dynamic_batching { preferred_batch_size: 8 }`,
    'preferred_batch_size',
  ],
  ['dynamic batching of a model that does not batch', matrix, `${onnx}${both('-1, 4')}dynamic_batching { }`],
  ['a profile', matrix, 'instance_group { kind: KIND_CPU profile: "0" }', 'profile'],
  ['GPUs for instances on the CPU', matrix, 'instance_group { kind: KIND_CPU gpus: 0 }', 'gpus'],
  ['the latest 0 versions', matrix, 'version_policy { latest { num_versions: 0 } }', 'num_versions'],
  ['a version that is not there beside one that is', matrix, 'version_policy { specific { versions: [ 1, 9 ] } }'],
  [
    'only versions that are not there',
    matrix,
    'version_policy { specific { versions: [ 8, 9 ] } }',
    'at least one version',
  ],
  [
    'an unknown execution mode',
    matrix,
    'parameters { key: "execution_mode" value { string_value: "2" } }',
    'execution_mode',
  ],
  [
    'an unknown accelerator for CPUs',
    matrix,
    'optimization { execution_accelerators { cpu_execution_accelerator { name: "abacus" } } }',
    'abacus',
  ],
];

/** What is accepted without effect, and the field that a note is about. */
const withoutEffect: readonly (readonly [kind: string, config: string, path: string])[] = [
  ['an unknown parameter', 'parameters { key: "metadata" value { string_value: "{}" } }', 'parameters["metadata"]'],
  [
    'a parameter of CUDA',
    'parameters { key: "gpu_mem_limit" value { string_value: "x" } }',
    'parameters["gpu_mem_limit"]',
  ],
  [
    'a rate limiter',
    'instance_group { count: 1 kind: KIND_CPU rate_limiter { priority: 2 resources { name: "R" count: 4 } } }',
    'rate_limiter',
  ],
  ['a response cache', 'response_cache { enable: true }', 'response_cache.enable'],
  [
    'an accelerator for GPUs',
    'instance_group { kind: KIND_CPU } optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" parameters { key: "precision_mode" value: "FP16" } } } }',
    'gpu_execution_accelerator',
  ],
  [
    'an unknown accelerator for GPUs',
    'instance_group { kind: KIND_CPU } optimization { execution_accelerators { gpu_execution_accelerator { name: "abacus" } } }',
    'gpu_execution_accelerator',
  ],
  ['a host policy that was not given', 'instance_group { kind: KIND_CPU host_policy: "fast" }', 'host_policy'],
  [
    'secondary devices',
    'instance_group { kind: KIND_CPU secondary_devices { kind: KIND_NVDLA device_id: 0 } }',
    'secondary_devices',
  ],
  ['CUDA graphs of TensorRT', 'optimization { cuda { graphs: true } }', 'optimization.cuda'],
  ['the priority of a CUDA stream', 'optimization { priority: PRIORITY_MAX }', 'optimization.priority'],
  ['files by compute capability', 'cc_model_filenames { key: "7.5" value: "t4.onnx" }', 'cc_model_filenames'],
  ['a missing version', 'version_policy { specific { versions: [ 1, 9 ] } }', 'version_policy'],
];

/** What is said against it, or undefined and the notes. */
async function load(model: OnnxModel, config: string) {
  const files = { 'm/1/model.onnx': writeOnnx(model), ...(config === '' ? {} : { 'm/config.pbtxt': config }) };
  const folder = join(await writeRepository(files), 'm');
  try {
    const [version] = await prepareModel({ name: 'm', folder, versions: ['1'] });
    const served = await loadModel(version!);
    const { notes = [], config: completed } = served;
    await served.close();
    return { refusal: undefined, notes, config: completed };
  } catch (thrown) {
    if (!(thrown instanceof PerfTsError)) throw thrown;
    const said = thrown.problems.map(({ where, what, hint }) => `${where}: ${what} (${hint})`).join('\n');
    return { refusal: said, notes: [], config: undefined };
  }
}

describe('a config with', () => {
  it.each(rows.map((row): [string, Row] => [row[0], row]))(
    '%s gets Triton’s verdict',
    async (_, [, model, config, refusal]) => {
      const outcome = await load(model, config);
      if (refusal === undefined) expect(outcome.refusal).toBeUndefined();
      else expect(outcome.refusal).toContain(refusal);
    },
  );

  it.each(withoutEffect)('%s is served, and that it has no effect is said once', async (_, config, path) => {
    const { refusal, notes, config: completed } = await load(matrix, config);
    expect(refusal).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining(path)]);
    if (config.includes('metadata')) expect(completed?.parameters).toEqual({ metadata: { string_value: '{}' } });
  });
}, 120_000);
