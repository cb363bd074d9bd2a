/** Options of the measuring command; perf_analyzer's flags keep their names and meaning. */
import { optional, repeated, required, toggle, withDefault } from '../../common/option-row.js';
import { millis } from '../../common/units.js';
import {
  parseChoice,
  parseDuration,
  parseInteger,
  parseShare,
  parseShareOrNone,
  parseText,
} from '../../common/value-parsers.js';
import type { Protocol } from '../../kserve/protocol.js';
import { parseShape } from '../../plan/parse-load-options.js';
import { loadRows, modelsRow, windowRows } from './measure-load-options.js';
import { metricsRows } from './metrics-options.js';
import { outputRows } from './output-options.js';
import { inputRows, parseServerUrl, requestRows, tlsRows } from './request-options.js';
import { runtimeRow } from './runtime-options.js';

const parseProtocol = (text: string): Protocol => parseChoice('grpc', 'http')(text.toLowerCase() as Protocol);
const parseLatencyMs = (text: string) => (parseInteger(0)(text) === 0 ? undefined : millis(Number(text)));

/** Options that name the server and model; the sweep shares some of them. */
export const modelRow = required({
  flag: 'model',
  aliases: ['m', 'model-name'],
  placeholder: 'NAME',
  group: 'What to measure',
  help: 'model to measure: on the server, in the model repository, or a demo model',
  parse: parseText,
});

export const modelRepositoryRow = optional({
  flag: 'model-repository',
  placeholder: 'DIR',
  group: 'What to measure',
  help: 'serve the model from this repository with the bundled engine (default ./models if it holds the model)',
  parse: parseText,
});

export const resultsRow = withDefault({
  flag: 'results',
  placeholder: 'DIR',
  group: 'Output',
  help: 'folder for records and reports',
  writes: 'folder',
  defaultText: 'results',
  parse: parseText,
});

export const jsonRow = toggle({
  flag: 'json',
  group: 'Output',
  help: 'print the record as one JSON document on stdout and nothing else there',
});

export const seedRow = withDefault({
  flag: 'seed',
  placeholder: 'N',
  group: 'Load',
  help: 'seed of everything random in a run',
  defaultText: '1',
  parse: parseInteger(0, 0xffff_ffff),
});

/** One shape, as the sweep takes it. */
export const shapeRow = repeated({
  flag: 'shape',
  placeholder: 'NAME:D,D',
  group: 'Load',
  help: 'shape of an input with dynamic dimensions, without the batch dimension; repeatable',
  parse: (text) => parseShape(text),
});

/** The same limit for a level and for a trial. */
export const maxErrorRateRow = withDefault({
  flag: 'max-error-rate',
  placeholder: 'SHARE',
  group: 'When a level ends',
  help: 'share of requests that may fail or be answered wrongly; beyond it a level is INVALID, and without another steady level the exit code is 2',
  defaultText: '1%',
  parse: parseShareOrNone,
});

export const modelVersionRow = withDefault({
  flag: 'model-version',
  aliases: ['x'],
  placeholder: 'VERSION',
  group: 'What to measure',
  help: 'model version; the server chooses when left out',
  defaultText: '',
  parse: (text) => text,
});

export const measureRows = {
  models: modelsRow,
  modelVersion: modelVersionRow,
  server: withDefault({
    flag: 'server',
    placeholder: 'WHICH',
    group: 'What to measure',
    help: 'auto, embedded (our engine) or remote',
    defaultText: 'auto',
    parse: parseChoice('auto', 'embedded', 'remote'),
  }),
  url: optional({
    flag: 'url',
    aliases: ['u'],
    placeholder: 'HOST:PORT',
    group: 'What to measure',
    help: 'KServe v2 server to measure; https:// or grpcs:// before it asks for TLS',
    conflicts: ['model-repository'],
    parse: parseServerUrl,
  }),
  protocol: optional({
    flag: 'protocol',
    aliases: ['i'],
    placeholder: 'grpc|http',
    group: 'What to measure',
    help: 'transport; found out by asking when left out, and gRPC with our engine',
    parse: parseProtocol,
  }),
  modelRepository: modelRepositoryRow,
  runtime: runtimeRow,
  ...loadRows,
  ...inputRows,
  ...requestRows,
  requestTimeout: withDefault({
    flag: 'request-timeout',
    placeholder: 'DURATION',
    group: 'Load',
    help: 'a request unanswered for so long is counted as a timeout',
    defaultText: '30s',
    parse: parseDuration,
  }),
  seed: seedRow,
  ...tlsRows,
  ...windowRows,
  minTime: optional({
    flag: 'min-time',
    placeholder: 'DURATION',
    group: 'When a level ends',
    help: 'least time at a level (default 5s, or --max-time where that is less)',
    parse: parseDuration,
  }),
  maxTime: withDefault({
    flag: 'max-time',
    placeholder: 'DURATION',
    group: 'When a level ends',
    help: 'most time at a level; without its confidence target it is then UNSTABLE',
    defaultText: '7s',
    parse: parseDuration,
  }),
  confidenceTarget: withDefault({
    flag: 'confidence-target',
    placeholder: 'SHARE',
    group: 'When a level ends',
    help: 'half width of the 95% interval of throughput and mean latency at which a level is VALID; p99 may have twice that',
    defaultText: '10%',
    parse: parseShare,
  }),
  latencyThreshold: optional({
    flag: 'latency-threshold',
    aliases: ['l'],
    placeholder: 'MS',
    group: 'When a level ends',
    help: 'latency in milliseconds that ends a range once the mean (or --percentile) passes it, and that searches hold; 0 is no limit',
    parse: parseLatencyMs,
  }),
  maxErrorRate: maxErrorRateRow,
  results: resultsRow,
  ...metricsRows,
  ...outputRows,
  json: jsonRow,
} as const;
