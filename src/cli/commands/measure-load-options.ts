/** Options that say what load is put on a model: how requests arrive, how many, in which sizes. */

import { clientKinds } from '../../client/infer-client.js';
import { type OptionRow, optional, repeated, toggle, withDefault } from '../../common/option-row.js';
import { parseChoice, parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import {
  parseBatchRange,
  parseConcurrencyRange,
  parseModels,
  parseRateRange,
  parseShapeRange,
  type WeightedModel,
} from '../../plan/parse-load-options.js';
import { parseProfile } from '../../plan/parse-profile.js';

const group = 'Load';
const parseCount = (text: string): number | undefined => parseInteger(0)(text) || undefined;

/** One model, or several with weights; read as a whole, because a single name needs no weight. */
export const modelsRow: OptionRow<readonly WeightedModel[]> = {
  ...repeated({
    flag: 'model',
    aliases: ['m', 'model-name'],
    placeholder: 'NAME[:WEIGHT]',
    group: 'What to measure',
    help: 'model to measure: on the server, in the model repository, or a demo model; several share the load by their weights',
    parse: parseText,
  }),
  read(texts) {
    if (texts.length === 0) throw new Error('is required');
    return parseModels(texts.map(parseText));
  },
};

export const loadRows = {
  concurrencyRange: withDefault({
    flag: 'concurrency-range',
    placeholder: 'START:END[:STEP]',
    group,
    help: 'closed loop: requests in flight; without a step the levels double and then close in on the knee; END 0 goes on until --latency-threshold is exceeded',
    conflicts: ['request-rate-range', 'request-intervals', 'profile', 'peak'],
    defaultText: '1',
    parse: (text) => parseConcurrencyRange(text),
  }),
  requestRateRange: optional({
    flag: 'request-rate-range',
    placeholder: 'START:END[:STEP]',
    group,
    help: 'open loop: requests a second; without a step the levels double and then close in on the knee',
    conflicts: ['request-intervals', 'profile'],
    parse: (text) => parseRateRange(text),
  }),
  requestDistribution: withDefault({
    flag: 'request-distribution',
    placeholder: 'constant|poisson',
    group,
    help: 'gaps between the requests of an open loop: all the same, or at random as from many independent users',
    defaultText: 'constant',
    parse: parseChoice('constant', 'poisson'),
  }),
  requestIntervals: optional({
    flag: 'request-intervals',
    placeholder: 'FILE',
    group,
    help: 'open loop: gaps between requests in microseconds, one a line, over and over',
    conflicts: ['profile', 'peak', 'binary-search', 'request-distribution'],
    parse: parseText,
  }),
  profile: optional({
    flag: 'profile',
    placeholder: 'PROFILE',
    group,
    help: 'open loop: steps, ramps and bursts, such as "10s@100, 20s@100..500, 4x(1s@50, 100ms@1000)"',
    conflicts: ['peak', 'binary-search', 'duration'],
    parse: (text) => parseProfile(text),
  }),
  binarySearch: toggle({
    flag: 'binary-search',
    group,
    help: 'look for the highest level of the range that holds --latency-threshold, to within its step',
    conflicts: ['peak'],
  }),
  peak: toggle({
    flag: 'peak',
    group,
    help: 'look for the highest request rate that holds --latency-threshold (p99 unless --percentile says otherwise), or that is served without a backlog',
  }),
  maxInFlight: optional({
    flag: 'max-in-flight',
    placeholder: 'N',
    group,
    help: 'open loop: a request due while so many are unanswered is dropped and counted (default 16384)',
    parse: parseInteger(1, 1_000_000),
  }),
  maxThreads: optional({
    flag: 'max-threads',
    placeholder: 'N',
    group,
    help: 'perf_analyzer compatibility: with a request rate and without --async, a request that is due while N are in flight waits and is sent late; otherwise ignored',
    parse: parseInteger(1, 1_000_000),
  }),
  async: toggle({
    flag: 'async',
    aliases: ['a'],
    group,
    help: 'accepted; perf-ts never waits in sending',
    conflicts: ['sync'],
  }),
  sync: toggle({ flag: 'sync', group, help: 'accepted; perf-ts never waits in sending' }),
  requestCount: optional({
    flag: 'request-count',
    placeholder: 'N',
    group,
    help: 'send exactly so many requests at each level, over all workers; 0 is no limit',
    conflicts: ['duration', 'profile', 'peak', 'binary-search'],
    parse: parseCount,
  }),
  warmupRequestCount: optional({
    flag: 'warmup-request-count',
    placeholder: 'N',
    group,
    help: 'requests sent and answered before each level, beside the warm-up that is found in it',
    conflicts: ['profile', 'peak'],
    parse: parseCount,
  }),
  batchSizes: withDefault({
    flag: 'batch-size',
    aliases: ['b'],
    placeholder: 'N|START:END[:STEP]',
    group,
    help: 'rows in each request; a range is measured one after the other, doubling without a step',
    defaultText: '1',
    parse: (text) => parseBatchRange(text),
  }),
  shapes: repeated({
    flag: 'shape',
    placeholder: 'NAME:D,D',
    group,
    help: 'shape of an input with dynamic dimensions, without the batch dimension; a size may be a range (input:1,32,100:400:100), and an input given twice is measured with both',
    parse: (text) => parseShapeRange(text),
  }),
  client: optional({
    flag: 'client',
    placeholder: clientKinds.join('|'),
    group,
    help: 'what sends the requests (default: the fastest that can)',
    parse: parseChoice(...clientKinds),
  }),
  workers: optional({
    flag: 'workers',
    placeholder: 'N',
    group,
    help: 'load worker threads (default one for every four CPUs, at most four)',
    parse: parseInteger(1, 64),
  }),
} as const;

/** perf_analyzer's words for how long a level lasts; what they mean without its three windows is in their help. */
export const windowRows = {
  duration: optional({
    flag: 'duration',
    placeholder: 'DURATION',
    group: 'When a level ends',
    help: 'measure each level for so long, whatever is known by then; for soak runs too, such as 1h',
    conflicts: ['min-time', 'max-time', 'measurement-interval', 'max-trials'],
    parse: parseDuration,
  }),
  percentile: optional({
    flag: 'percentile',
    placeholder: 'P',
    group: 'When a level ends',
    help: 'percentile (above 0 and below 100) that --latency-threshold speaks of; -1 is the mean',
    parse: parsePercentile,
  }),
  measurementInterval: optional({
    flag: 'measurement-interval',
    aliases: ['p'],
    placeholder: 'MS',
    group: 'When a level ends',
    help: 'least time at a level, in milliseconds, as --min-time',
    conflicts: ['min-time'],
    parse: parseInteger(1, 86_400_000),
  }),
  measurementMode: withDefault({
    flag: 'measurement-mode',
    placeholder: 'time_windows|count_windows',
    group: 'When a level ends',
    help: 'count_windows asks for --measurement-request-count requests at a level as well',
    defaultText: 'time_windows',
    parse: parseChoice('time_windows', 'count_windows'),
  }),
  measurementRequestCount: withDefault({
    flag: 'measurement-request-count',
    placeholder: 'N',
    group: 'When a level ends',
    help: 'least requests at a level with --measurement-mode count_windows',
    defaultText: '50',
    parse: parseInteger(1),
  }),
  stabilityPercentage: optional({
    flag: 'stability-percentage',
    aliases: ['s'],
    placeholder: 'PERCENT',
    group: 'When a level ends',
    help: 'half width of the confidence interval in percent, as --confidence-target',
    conflicts: ['confidence-target'],
    parse: parsePercent,
  }),
  maxTrials: optional({
    flag: 'max-trials',
    aliases: ['r'],
    placeholder: 'N',
    group: 'When a level ends',
    help: 'most time at a level, as so many times --measurement-interval',
    conflicts: ['max-time'],
    parse: parseInteger(1, 1_000_000),
  }),
} as const;

function parsePercentile(text: string): number | undefined {
  if (text.trim() === '-1') return undefined;
  const value = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value > 0 && value < 100)) throw new Error(`must be above 0 and below 100, or -1 for the mean, not '${text}'`);
  return value;
}

function parsePercent(text: string): number {
  const value = /^\d+(?:\.\d+)?%?$/.test(text.trim()) ? Number.parseFloat(text) : Number.NaN;
  if (!(value > 0)) throw new Error(`must be a percentage above 0, not '${text}'`);
  return value;
}
