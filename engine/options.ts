/** The options of the engine, with tritonserver's flag names. `perf-ts serve` is made out of these rows. */
import { PerfTsError, type Problem } from '../src/common/errors.js';
import { type OptionValues, optional, repeated, toggle, withDefault } from '../src/common/option-row.js';
import { parseChoice, parseInteger, parseText } from '../src/common/value-parsers.js';

const parsePort = parseInteger(0, 65_535);

const models = 'Models';
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
    placeholder: 'none|explicit',
    defaultText: 'none',
    help: 'none loads every model, explicit only those of --load-model',
    group: models,
    parse: parseChoice('none', 'explicit'),
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
  ortLibrary: optional({
    flag: 'ort-library',
    placeholder: 'FILE',
    help: 'another build of ONNX Runtime (libonnxruntime) than the one that comes with perf-ts',
    group: models,
    parse: parseText,
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
    help: '1 logs what the engine does at start and end',
    group: process,
    parse: parseInteger(0),
  }),
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
  const isSamePort = options.allowHttp && options.allowGrpc && options.httpPort === options.grpcPort;
  if (isSamePort && options.httpPort !== 0 && options.httpAddress === options.grpcAddress) {
    problems.push({
      where: '--http-port',
      what: `and --grpc-port are both ${options.httpPort}`,
      hint: 'change one of them',
    });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}
