/**
 * Intel's OpenVINO on the CPU, AMD's as well. Options that OpenVINO takes only through its property file are keys of
 * their own here; what its defaults get wrong beside other instances is set.
 */
import { appendByName, type ProviderValues } from '../provider-append.js';
import { anyText, type OptionType, oneOf, type ProviderOption, trueFalse, wholeNumber } from '../provider-options.js';
import type { ProviderRow, SessionContext } from './provider-row.js';

type Properties = Readonly<Record<string, string>>;

const PRECISION_HINT = 'INFERENCE_PRECISION_HINT';
const PINNING = 'ENABLE_CPU_PINNING';
const precisions = ['f32', 'bf16', 'f16'];

/** Properties whose wrong values OpenVINO takes without a word. */
const checkedProperties: Readonly<Record<string, RegExp>> = {
  [PRECISION_HINT]: new RegExp(`^(${precisions.join('|')})$`),
  [PINNING]: /^(YES|NO)$/,
  INFERENCE_NUM_THREADS: /^[1-9]\d{0,3}$/,
  NUM_STREAMS: /^[1-9]\d{0,3}$/,
};

function readProperties(text: string): Properties | undefined {
  try {
    const document = JSON.parse(text) as unknown;
    if (!isObject(document) || Object.keys(document).some((device) => device !== 'CPU')) return undefined;
    const { CPU = {} } = document;
    if (!isObject(CPU)) return undefined;
    const isRight = ([key, value]: [string, unknown]): boolean =>
      typeof value === 'string' && (checkedProperties[key]?.test(value) ?? true);
    return Object.entries(CPU).every(isRight) ? (CPU as Properties) : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const propertyFile: OptionType = {
  describe: `must be JSON such as {"CPU":{"${PRECISION_HINT}":"bf16"}}: texts by property, for the CPU; precision hints are ${precisions.join(', ')}`,
  read: (text) => (readProperties(text) === undefined ? undefined : text),
};

/** `image[1,1,32,100],mask[1..4,8]`. */
const inputShapes: OptionType = {
  describe: 'must be a shape by input, such as image[1,1,32,100] or image[1..8,1,32,100]',
  read: (text) => {
    const extent = String.raw`\d+(\.\.\d+)?`;
    const input = String.raw`[^[\],]+\[${extent}(,${extent})*\]`;
    return new RegExp(`^${input}(,${input})*$`).test(text) ? text : undefined;
  },
};

/** onnxruntime-openvino 1.24; the first two stand for properties. Releases by the names in the libraries of 1.20 to 1.24. */
const options: Readonly<Record<string, ProviderOption>> = {
  inference_precision: { type: oneOf(...precisions), defaultText: 'f32' },
  enable_cpu_pinning: { type: trueFalse, defaultText: 'false' },
  device_type: { type: oneOf('CPU'), defaultText: 'CPU' },
  precision: { type: oneOf('FP32', 'ACCURACY'), defaultText: 'FP32' },
  num_of_threads: { type: wholeNumber(1, 9999) },
  num_streams: { type: wholeNumber(1, 9999) },
  load_config: { type: propertyFile },
  cache_dir: { type: anyText },
  model_priority: { type: oneOf('LOW', 'MEDIUM', 'HIGH', 'DEFAULT'), defaultText: 'DEFAULT' },
  enable_opencl_throttling: { type: trueFalse, defaultText: 'false' },
  enable_qdq_optimizer: { type: trueFalse, defaultText: 'false' },
  enable_causallm: { type: trueFalse, defaultText: 'false', since: '1.22' },
  disable_dynamic_shapes: { type: trueFalse, defaultText: 'false' },
  reshape_input: { type: inputShapes, since: '1.23' },
  layout: { type: anyText, since: '1.23' },
};

/**
 * The precision is always said: a CPU with AMX would choose bf16 by itself. Threads are not pinned, because the sessions
 * of a process, instances or other models, would all take the same cores. What `load_config` says goes before everything.
 */
function finish(values: ProviderValues, { intraOpThreads }: SessionContext): ProviderValues {
  const {
    inference_precision: hint = 'f32',
    enable_cpu_pinning: isPinned,
    load_config: given = '{}',
    ...rest
  } = values;
  const properties = {
    [PRECISION_HINT]: hint,
    [PINNING]: isPinned === 'true' ? 'YES' : 'NO',
    ...readProperties(given),
  };
  return {
    device_type: 'CPU',
    precision: 'FP32',
    ...(intraOpThreads === undefined ? {} : { num_of_threads: String(intraOpThreads) }),
    ...rest,
    load_config: JSON.stringify({ CPU: properties }),
  };
}

/** What these options, as a config gives them or finished, make OpenVINO compute in. */
export const precisionOf = ({ inference_precision: hint = 'f32', load_config: given = '{}' }: ProviderValues): string =>
  readProperties(given)?.[PRECISION_HINT] ?? hint;

export const openVinoRow: ProviderRow = {
  name: 'openvino',
  ortName: 'OpenVINOExecutionProvider',
  acceleratorNames: { cpu: 'openvino' },
  devices: ['cpu'],
  needs: 'a build of ONNX Runtime with the OpenVINO provider',
  pluginLibrary: 'onnxruntime_providers_openvino',
  laterLibraries: ['libopenvino_intel_cpu_plugin.so', 'libopenvino_onnx_frontend.so'],
  inTriton: 'name only',
  takesWholeModel: true,
  cacheOptions: (folder) => ({ cache_dir: folder }),
  options,
  modelParameters: {},
  finish,
  append: appendByName('OpenVINO'),
};
