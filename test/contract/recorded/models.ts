/** The same models twice: as Python code for a real tritonserver, and as ONNX files for the engine. */
import { type DataType, toConfigType } from '../../../src/kserve/data-types.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { buildIdentityModel } from '../../support/identity-model.js';

type Files = Record<string, string | Uint8Array>;

interface Model {
  readonly name: string;
  /** Everything but the backend. */
  readonly config: string;
  readonly python: string;
  readonly onnx: Uint8Array;
  readonly versions?: readonly number[];
  readonly more?: Files;
}

const tensor = (io: 'input' | 'output', name: string, type: string, dims: string, more = ''): string =>
  `${io} { name: "${name}" data_type: ${type} dims: [ ${dims} ] ${more} }\n`;

const oneOnCpu = 'instance_group { kind: KIND_CPU count: 1 }\n';

const pythonModel = (body: string): string => `
import triton_python_backend_utils as pb_utils

def read(request, name):
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()

class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor(n, v) for n, v in self.run(r).items()]) for r in requests]

    def run(self, r):
        ${body}
`;

interface IdentityOptions {
  readonly dims?: string;
  /** Of the ONNX model, without the batch. */
  readonly modelDims?: readonly (string | number)[];
  readonly maxBatchSize?: number;
  readonly config?: string;
  readonly output?: string;
}

function identity(name: string, dataType: DataType, options: IdentityOptions = {}): Model {
  const { dims = '-1', modelDims = ['length'], maxBatchSize = 8, config = '', output = '' } = options;
  const type = toConfigType(dataType);
  return {
    name,
    config:
      `max_batch_size: ${maxBatchSize}\n${oneOnCpu}${tensor('input', 'INPUT0', type, dims)}` +
      `${tensor('output', 'OUTPUT0', type, dims, output)}${config}`,
    python: pythonModel('return {"OUTPUT0": read(r, "INPUT0")}'),
    onnx: buildIdentityModel(dataType, maxBatchSize > 0 ? ['batch', ...modelDims] : modelDims),
  };
}

const identityTensors = tensor('input', 'INPUT0', 'TYPE_FP32', '-1') + tensor('output', 'OUTPUT0', 'TYPE_FP32', '-1');

const addSubTensors = ['INPUT0', 'INPUT1', 'OUTPUT0', 'OUTPUT1']
  .map((name) => tensor(name.startsWith('IN') ? 'input' : 'output', name, 'TYPE_INT32', '16'))
  .join('');

const warmUp = `model_warmup { name: "zeros" batch_size: 2 count: 3
  inputs { key: "INPUT0" value { data_type: TYPE_FP32 dims: [ 4 ] zero_data: true } } }
metric_tags { key: "owner" value: "perf" }
metric_tags { key: "stage" value: "canary" }
`;

const models: readonly Model[] = [
  {
    ...identity('identity', 'FP32', { output: 'label_filename: "labels.txt"', config: 'dynamic_batching { }\n' }),
    more: { 'labels.txt': 'cat\ndog\nfish\n' },
  },
  {
    name: 'add_sub',
    config: `max_batch_size: 8\n${oneOnCpu}${addSubTensors}`,
    python: pythonModel('a, b = read(r, "INPUT0"), read(r, "INPUT1"); return {"OUTPUT0": a + b, "OUTPUT1": a - b}'),
    onnx: buildZooModel('add_sub'),
  },
  identity('fixed', 'FP32', { dims: '16', modelDims: [16] }),
  identity('plain', 'FP32', { maxBatchSize: 0 }),
  identity('grid', 'FP32', { dims: '-1, -1', modelDims: ['rows', 'columns'] }),
  identity('pairs', 'INT16', { dims: '-1, 2', modelDims: ['rows', 2] }),
  identity('text', 'BYTES', { dims: '1', modelDims: [1] }),
  identity('texts', 'BYTES'),
  identity('double', 'FP64'),
  identity('half', 'FP16'),
  identity('long', 'INT64'),
  identity('unsigned', 'UINT64'),
  identity('tiny', 'INT8'),
  identity('byte', 'UINT8'),
  identity('flag', 'BOOL'),
  identity('warm', 'FP32', { config: warmUp }),
  { ...identity('versioned', 'FP32', { config: 'version_policy { all { } }\n' }), versions: [1, 3] },
  identity('spare', 'FP32'),
];

/** Names of those that are served from the start. */
export const servedModels: readonly string[] = models.map(({ name }) => name).filter((name) => name !== 'spare');

function repository(backend: string, fileOf: (model: Model) => readonly [string, string | Uint8Array]): Files {
  const files: Files = {};
  for (const model of models) {
    const [file, content] = fileOf(model);
    files[`${model.name}/config.pbtxt`] = `backend: "${backend}"\n${model.config}`;
    for (const version of model.versions ?? [1]) files[`${model.name}/${version}/${file}`] = content;
    for (const [path, more] of Object.entries(model.more ?? {})) files[`${model.name}/${path}`] = more;
  }
  files['unreadable/config.pbtxt'] = `backend: "${backend}"\nmax_batch_size: many\n`;
  files['versionless/config.pbtxt'] = `backend: "${backend}"\nmax_batch_size: 8\n`;
  files['failing/config.pbtxt'] = `backend: "${backend}"\nmax_batch_size: 8\n${identityTensors}`;
  files[`failing/1/${backend === 'python' ? 'model.py' : 'model.onnx'}`] = 'this is no model';
  return files;
}

export const tritonFiles = (): Files => repository('python', ({ python }) => ['model.py', python]);
export const ourFiles = (): Files => repository('onnxruntime', ({ onnx }) => ['model.onnx', onnx]);
