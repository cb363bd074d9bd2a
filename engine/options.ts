/** The options of the engine, with tritonserver's flag names. `perf-ts serve` is made out of these rows. */
import { appendAll } from '../src/common/append-all.js';
import { PerfTsError, type Problem } from '../src/common/errors.js';
import { type OptionValues, optional, repeated, toggle, withDefault } from '../src/common/option-row.js';
import { parseChoice, parseInteger, parseText } from '../src/common/value-parsers.js';
import { grpcOptionRows } from './frontend/grpc-wire/grpc-options.js';
import { parseOrigin } from './frontend/http-origin.js';
import { findTlsProblems } from './frontend/tls-identity.js';
import { parseHostPolicy } from './instance/host-policy.js';
import { findCudaPoolProblems, parseCudaPool } from './memory/cuda-memory-pool.js';
import { metricsOptionRows } from './metrics/metrics-options.js';
import { parseBackendSetting, parseConfigName } from './repository/repository-settings.js';

const parsePort = parseInteger(0, 65_535);

const models = 'Models';
const memory = 'Memory and cores';
const network = 'Network';
const process = 'Process';

export const engineOptionRows = {
  modelRepository: repeated({
    flag: 'model-repository',
    aliases: ['model-store'],
    placeholder: 'DIR',
    help: 'folder that holds NAME/VERSION/model.onnx and NAME/config.pbtxt; may be given several times',
    group: models,
    parse: parseText,
  }),
  modelControlMode: withDefault({
    flag: 'model-control-mode',
    placeholder: 'none|explicit|poll',
    defaultText: 'none',
    help: 'none loads every model, explicit those of --load-model and then what requests ask for, poll follows changes of the files',
    group: models,
    parse: parseChoice('none', 'explicit', 'poll'),
  }),
  repositoryPollSecs: withDefault({
    flag: 'repository-poll-secs',
    placeholder: 'SECONDS',
    defaultText: '15',
    help: 'time between two looks at the repository with --model-control-mode=poll',
    group: models,
    parse: parseInteger(1, 86_400),
  }),
  loadModel: repeated({
    flag: 'load-model',
    placeholder: 'NAME',
    help: 'model to load with --model-control-mode=explicit; may be given several times; * loads all',
    group: models,
    parse: parseText,
  }),
  exitOnError: toggle({
    flag: 'exit-on-error',
    defaultText: 'true',
    help: 'end when a model fails to load, instead of serving the others',
    group: models,
  }),
  disableAutoCompleteConfig: toggle({
    flag: 'disable-auto-complete-config',
    aliases: ['strict-model-config'],
    defaultText: 'false',
    help: 'take nothing from the ONNX file: each config.pbtxt must name backend, inputs and outputs',
    group: models,
  }),
  modelConfigName: optional({
    flag: 'model-config-name',
    placeholder: 'NAME',
    help: 'read configs/NAME.pbtxt of a model instead of its config.pbtxt, where there is one',
    group: models,
    parse: parseConfigName,
  }),
  backendConfig: repeated({
    flag: 'backend-config',
    placeholder: 'onnxruntime,KEY=VALUE',
    help: 'setting for all models; default-max-batch-size=N is what completing a config sets where the model can batch (4)',
    group: models,
    parse: parseBackendSetting,
  }),
  strictReadiness: toggle({
    flag: 'strict-readiness',
    defaultText: 'true',
    help: 'say ready only while every model is; else as soon as the engine answers',
    group: models,
  }),
  modelLoadThreadCount: withDefault({
    flag: 'model-load-thread-count',
    placeholder: 'COUNT',
    defaultText: '4',
    help: 'model versions that are loaded at the same time',
    group: models,
    parse: parseInteger(1, 256),
  }),
  modelLoadRetryCount: withDefault({
    flag: 'model-load-retry-count',
    placeholder: 'COUNT',
    defaultText: '0',
    help: 'further attempts after a load that failed',
    group: models,
    parse: parseInteger(0, 100),
  }),
  isolateLoad: toggle({
    flag: 'isolate-load',
    defaultText: 'false',
    help: 'load each model version in a process of its own first, so that one that crashes there never ends the engine',
    group: models,
  }),
  isolateLoadTimeoutSecs: withDefault({
    flag: 'isolate-load-timeout-secs',
    placeholder: 'SECONDS',
    defaultText: '300',
    help: 'how long that first load may take before it counts as hanging',
    group: models,
    parse: parseInteger(1, 86_400),
  }),
  optimizedModelCache: toggle({
    flag: 'optimized-model-cache',
    defaultText: 'false',
    help: "keep models in the user's cache as ONNX Runtime optimises them for this CPU, so that later loads need not; CPU provider only",
    group: models,
  }),
  inlineTinyModels: toggle({
    flag: 'inline-tiny-models',
    defaultText: 'true',
    help: 'run models that take less than 50 us on the main thread, as long as all models served are that small; false leaves every batch to the threads of its instances',
    group: models,
  }),
  ortLibrary: optional({
    flag: 'ort-library',
    placeholder: 'FILE',
    help: 'another build of ONNX Runtime (libonnxruntime) than the one that comes with perf-ts',
    group: models,
    parse: parseText,
  }),
  runtime: optional({
    flag: 'runtime',
    placeholder: 'NAME',
    help: 'the same by name: bundled, or one that perf-ts runtime installed, such as openvino',
    group: models,
    conflicts: ['ort-library'],
    parse: parseText,
  }),
  pinnedMemoryPoolByteSize: withDefault({
    flag: 'pinned-memory-pool-byte-size',
    placeholder: 'BYTES',
    defaultText: '268435456',
    help: 'memory that batches are gathered in, page-locked where the system allows; what does not fit lies elsewhere',
    group: memory,
    parse: parseInteger(0, 2 ** 32),
  }),
  cudaMemoryPoolByteSize: repeated({
    flag: 'cuda-memory-pool-byte-size',
    placeholder: 'GPU:BYTES',
    help: 'memory pool of a CUDA device; refused without one',
    group: memory,
    parse: parseCudaPool,
  }),
  hostPolicy: repeated({
    flag: 'host-policy',
    placeholder: 'NAME,SETTING=VALUE',
    help: 'binds the instances of groups with this host_policy (by kind: cpu, model) to cores: NAME,cpu-cores=0-3 or NAME,numa-node=0',
    group: memory,
    parse: parseHostPolicy,
  }),
  allowHttp: toggle({ flag: 'allow-http', defaultText: 'true', help: 'listen for HTTP', group: network }),
  httpAddress: withDefault({
    flag: 'http-address',
    placeholder: 'ADDRESS',
    defaultText: '127.0.0.1',
    help: 'address to listen on for HTTP; 0.0.0.0 is reachable from other machines',
    group: network,
    parse: parseText,
  }),
  httpPort: withDefault({
    flag: 'http-port',
    placeholder: 'PORT',
    defaultText: '8000',
    help: 'port for HTTP; 0 takes any free one',
    group: network,
    parse: parsePort,
  }),
  httpMaxInputSize: withDefault({
    flag: 'http-max-input-size',
    placeholder: 'BYTES',
    defaultText: '67108864',
    help: 'largest HTTP request body in bytes, also once unpacked',
    group: network,
    // A body is one Buffer, and 2 GiB is what every build of Node can hold in one.
    parse: parseInteger(1, 2 ** 31 - 1),
  }),
  httpAllowedOrigin: repeated({
    flag: 'http-allowed-origin',
    placeholder: 'ORIGIN',
    help: 'answer HTTP requests that web pages of this origin send, such as https://example.com; * for all. Requests with any other Origin header are refused',
    group: network,
    parse: parseOrigin,
  }),
  allowGrpc: toggle({ flag: 'allow-grpc', defaultText: 'true', help: 'listen for gRPC', group: network }),
  grpcAddress: withDefault({
    flag: 'grpc-address',
    placeholder: 'ADDRESS',
    defaultText: '127.0.0.1',
    help: 'address to listen on for gRPC; 0.0.0.0 is reachable from other machines',
    group: network,
    parse: parseText,
  }),
  grpcPort: withDefault({
    flag: 'grpc-port',
    placeholder: 'PORT',
    defaultText: '8001',
    help: 'port for gRPC; 0 takes any free one',
    group: network,
    parse: parsePort,
  }),
  allowClientShm: toggle({
    flag: 'allow-client-shm',
    defaultText: 'false',
    help: 'let clients name shared memory of this machine that inputs are read from and outputs are written to',
    group: network,
  }),
  ...grpcOptionRows,
  ...metricsOptionRows,
  id: withDefault({
    flag: 'id',
    placeholder: 'NAME',
    defaultText: 'perf-ts',
    help: 'name of the server in its metadata',
    group: process,
    parse: parseText,
  }),
  exitTimeoutSecs: withDefault({
    flag: 'exit-timeout-secs',
    placeholder: 'SECONDS',
    defaultText: '30',
    help: 'seconds that accepted requests have to finish when the engine is asked to end',
    group: process,
    parse: parseInteger(0, 86_400),
  }),
  logVerbose: withDefault({
    flag: 'log-verbose',
    placeholder: 'LEVEL',
    defaultText: '0',
    help: '1 and more log each executed batch: model, instance, batch size, queue and compute times',
    group: process,
    parse: parseInteger(0),
  }),
  logFile: optional({
    flag: 'log-file',
    placeholder: 'FILE',
    help: 'append log lines to this file instead of writing them to stderr',
    group: process,
    parse: parseText,
  }),
  logFormat: withDefault({
    flag: 'log-format',
    placeholder: 'default|ISO8601|json',
    defaultText: 'default',
    help: 'text with a short or an ISO 8601 time stamp, or one JSON object a line',
    group: process,
    parse: parseChoice('default', 'ISO8601', 'json'),
  }),
  logInfo: toggle({ flag: 'log-info', defaultText: 'true', help: 'log what the engine does', group: process }),
  logWarning: toggle({ flag: 'log-warning', defaultText: 'true', help: 'log warnings', group: process }),
  logError: toggle({ flag: 'log-error', defaultText: 'true', help: 'log errors', group: process }),
};

export type EngineOptions = OptionValues<typeof engineOptionRows>;

/** Throws PerfTsError BAD_OPTION with everything in which the options contradict each other. */
export function checkEngineOptions(options: EngineOptions): void {
  const problems: Problem[] = [];
  if (options.modelRepository.length === 0) {
    problems.push({
      where: '--model-repository',
      what: 'is required',
      hint: "'perf-ts models add simple_cnn --to ./models' makes a repository to try",
    });
  }
  if (!options.allowHttp && !options.allowGrpc) {
    problems.push({
      where: '--allow-http',
      what: 'and --allow-grpc are both false, so nothing could reach the engine',
    });
  }
  if (options.loadModel.length > 0 && options.modelControlMode !== 'explicit') {
    problems.push({ where: '--load-model', what: 'needs --model-control-mode=explicit' });
  }
  appendAll(problems, findSharedPorts(options));
  appendAll(problems, findTlsProblems(options));
  appendAll(problems, findCudaPoolProblems(options.cudaMemoryPoolByteSize));
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}

/** Front ends that would take each other's port. */
function findSharedPorts(options: EngineOptions): Problem[] {
  const { httpAddress, metricsAddress = httpAddress } = options;
  const listeners = [
    { flag: '--http-port', isOn: options.allowHttp, port: options.httpPort, address: httpAddress },
    { flag: '--grpc-port', isOn: options.allowGrpc, port: options.grpcPort, address: options.grpcAddress },
    { flag: '--metrics-port', isOn: options.allowMetrics, port: options.metricsPort, address: metricsAddress },
  ].filter(({ isOn, port }) => isOn && port !== 0);
  return listeners.flatMap(({ flag, port, address }, place) =>
    listeners
      .slice(place + 1)
      .filter((other) => other.port === port && other.address === address)
      .map((other) => ({ where: flag, what: `and ${other.flag} are both ${port}`, hint: 'change one of them' })),
  );
}
