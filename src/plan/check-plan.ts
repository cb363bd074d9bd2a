/** What a user can get wrong about a load, as problems with the flag of each. */
import type { ClientKind, Compression, TensorFormats } from '../client/infer-client.js';
import { largestOf } from '../common/append-all.js';

import type { Problem } from '../common/errors.js';
import type { Nanos } from '../common/units.js';
import type { ModelMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { Batching, ShapesByInput } from './input-shapes.js';
import type { LevelSequence, LoadKind, StopRule } from './load-plan.js';
import { MAX_CONCURRENCY, MAX_REQUEST_RATE } from './parse-load-options.js';

const MAX_WORKERS = 64;
/** Models of one run; each has its own rows in every worker. */
const MAX_MODELS = 32;
const MAX_WEIGHT = 1000;
/** A request must fit a gRPC message and one buffer. */
const MAX_REQUEST_BYTES = 2 ** 31 - 2 ** 20;

/** The settings that can be judged without the model. */
export interface CheckedSettings {
  readonly endpoint: string;
  readonly protocol: Protocol;
  readonly client?: ClientKind;
  readonly compression?: Compression;
  readonly tensorFormats?: TensorFormats;
  readonly batchSizes: readonly number[];
  readonly stringLengthBytes: number;
  readonly requestTimeout: Nanos;
  readonly latencyLimit?: Nanos;
  readonly latencyPercentile?: number;
  readonly maxErrorRatio: number;
  readonly workerCount: number;
  readonly seed: number;
  readonly stopRule: StopRule;
}

export function checkSettings(settings: CheckedSettings): readonly Problem[] {
  const { minDuration, maxDuration, targetHalfWidth } = settings.stopRule;
  const rules: readonly [isGood: boolean, where: string, what: string][] = [
    [/^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/.test(settings.endpoint), '-u', `"${settings.endpoint}" is not HOST:PORT`],
    [
      settings.batchSizes.length > 0 && settings.batchSizes.every((size) => isWhole(size, 1)),
      '-b',
      `the batch size must be a whole number of at least 1, not ${settings.batchSizes.join(', ')}`,
    ],
    [
      (settings.client ?? 'http').startsWith(settings.protocol) || settings.client === undefined,
      '--client',
      `the client ${settings.client} does not speak the protocol ${settings.protocol} (-i)`,
    ],
    [
      settings.client !== 'grpc-wire' || (settings.compression ?? 'none') === 'none',
      '--client',
      'the client grpc-wire does not compress requests; grpc-js does',
    ],
    [
      settings.protocol === 'http' || settings.tensorFormats === undefined,
      '--input-tensor-format, --output-tensor-format',
      'JSON tensors travel over HTTP only, and this run sends gRPC',
    ],
    [
      isWhole(settings.stringLengthBytes, 0),
      '--string-length',
      'the string length must be a whole number of at least 0',
    ],
    [settings.requestTimeout > 0, '--request-timeout', 'the request timeout must be longer than 0'],
    [(settings.latencyLimit ?? 1) > 0, '--latency-threshold', 'the latency limit must be longer than 0'],
    [
      (settings.latencyPercentile ?? 50) > 0 && (settings.latencyPercentile ?? 50) < 100,
      '--percentile',
      'the percentile must lie between 0 and 100',
    ],
    [
      settings.maxErrorRatio >= 0 && settings.maxErrorRatio <= 1,
      '--max-error-rate',
      'the share of requests that may fail must lie between 0% and 100%',
    ],
    [
      isWhole(settings.workerCount, 1) && settings.workerCount <= MAX_WORKERS,
      '--workers',
      `the number of load workers must be a whole number from 1 to ${MAX_WORKERS}, not ${settings.workerCount}`,
    ],
    [
      isWhole(settings.seed, 0) && settings.seed < 2 ** 32,
      '--seed',
      'the seed must be a whole number from 0 to 4294967295',
    ],
    [
      minDuration > 0 && maxDuration >= minDuration,
      '--max-time',
      'a level must last longer than 0, and at most as long as its longest time',
    ],
    [targetHalfWidth > 0, '--confidence-target', 'the width asked of the confidence interval must be more than 0'],
  ];
  return rules.filter(([isGood]) => !isGood).map(([, where, what]) => ({ what, where }));
}

export function checkModels(
  models: readonly {
    readonly model: string;
    readonly modelVersion?: string | undefined;
    readonly weight?: number | undefined;
  }[],
): readonly Problem[] {
  const where = '-m';
  if (models.length === 0 || models.some(({ model }) => model === '')) return [{ what: 'no model is named', where }];
  const names = models.map(({ model, modelVersion = '' }) => `${model} ${modelVersion}`.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return [{ what: `model ${twice} is named twice`, where, hint: 'give it one weight' }];
  if (models.length > MAX_MODELS)
    return [{ what: `${models.length} models are over the most that one run loads, ${MAX_MODELS}`, where }];
  return models
    .filter(({ weight = 1 }) => !isWhole(weight, 1) || weight > MAX_WEIGHT)
    .map(({ model, weight }) => ({
      what: `the weight of model ${model} must be a whole number from 1 to ${MAX_WEIGHT}, not ${weight}`,
      where,
    }));
}

export function checkLoad(load: LoadKind, sequence: LevelSequence): readonly Problem[] {
  const where = load.kind === 'closed' ? '--concurrency-range' : '--request-rate-range';
  if (sequence.kind === 'peak') {
    if (load.kind !== 'open') return [{ what: 'the highest rate is looked for in an open loop', where: '--peak' }];
    const { start = 1, end = Infinity } = sequence;
    const isGood = start > 0 && end >= start;
    return isGood
      ? []
      : [{ what: 'the search needs a rate above 0 to begin with, and an end above it', where: '--peak' }];
  }
  const values = knownValues(sequence);
  if (values.length === 0) return [{ what: 'the range holds no level', where }];
  const isGood = load.kind === 'closed' ? isConcurrency : isRate;
  const bad = values.find((value) => !isGood(value));
  if (bad !== undefined) {
    const what =
      load.kind === 'closed'
        ? `a concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}, not ${bad}`
        : `a request rate must be above 0 and at most ${MAX_REQUEST_RATE} a second, not ${bad}`;
    return [{ what, where }];
  }
  const problems: Problem[] = [];
  if ('end' in sequence && (sequence.end ?? Infinity) < sequence.start) {
    problems.push({ what: 'the range ends before it starts', where });
  }
  if (sequence.kind === 'binary-search' && !(sequence.step > 0)) {
    problems.push({ what: 'the step of a binary search must be above 0', where });
  }
  if (load.kind === 'open' && !isWhole(load.maxInFlight, 1)) {
    problems.push({ what: 'at least one request must be allowed in flight', where: '--max-in-flight' });
  }
  return problems;
}

/** The levels that a sequence names itself. */
function knownValues(sequence: Exclude<LevelSequence, { readonly kind: 'peak' }>): readonly number[] {
  if (sequence.kind === 'stepped') return sequence.values;
  return sequence.kind === 'open-ended' ? [sequence.start] : [sequence.start, sequence.end];
}

const isConcurrency = (value: number): boolean => isWhole(value, 1) && value <= MAX_CONCURRENCY;
const isRate = (value: number): boolean => value > 0 && value <= MAX_REQUEST_RATE;

/** A count of requests is one level's, so there can be only one. */
export function checkCounts(settings: {
  readonly requestCount?: number;
  readonly warmupRequestCount?: number;
  readonly load: LoadKind;
  readonly sequence: LevelSequence;
}): readonly Problem[] {
  const problems: Problem[] = [];
  const { requestCount, warmupRequestCount, load, sequence } = settings;
  const named: [number | undefined, string][] = [
    [requestCount, '--request-count'],
    [warmupRequestCount, '--warmup-request-count'],
  ];
  for (const [count, where] of named) {
    if (count === undefined) continue;
    if (!isWhole(count, 1))
      problems.push({ what: `the count must be a whole number of at least 1, not ${count}`, where });
    if (sequence.kind === 'peak') problems.push({ what: 'a search for the peak measures by time', where });
  }
  if (requestCount === undefined || load.kind !== 'closed' || sequence.kind === 'peak') return problems;
  const highest = largestOf(knownValues(sequence));
  if (requestCount < highest) {
    const what = `${requestCount} requests cannot keep ${highest} in flight`;
    problems.push({ what, where: '--request-count', hint: 'ask for at least as many as the highest concurrency' });
  }
  return problems;
}

/** A run has one peak, so there can be only one kind of request. */
export function checkPeakScope(
  { sequence, batchSizes }: { readonly sequence: LevelSequence; readonly batchSizes: readonly number[] },
  variants: readonly ShapesByInput[],
): readonly Problem[] {
  if (sequence.kind !== 'peak') return [];
  const hint = 'run it once for each';
  const problems: Problem[] = [];
  if (batchSizes.length > 1) problems.push({ what: 'the peak is looked for with one batch size', where: '-b', hint });
  if (variants.length > 1) problems.push({ what: 'the peak is looked for with one shape', where: '--shape', hint });
  return problems;
}

export function checkBatchSize(model: string, batchSize: number, batching: Batching): readonly Problem[] {
  const where = '-b';
  if (!isWhole(batchSize, 1)) return [];
  if (!batching.isBatching) {
    if (batchSize === 1) return [];
    const what = `model ${model} does not batch: ${batching.reason}`;
    return [{ what, where, hint: 'leave the batch size at 1, or raise max_batch_size in its config.pbtxt' }];
  }
  const { maxBatchSize } = batching;
  if (maxBatchSize === undefined || batchSize <= maxBatchSize) return [];
  const what = `batch size ${batchSize} is over the max_batch_size of model ${model}, ${maxBatchSize}`;
  return [{ what, where, hint: `use at most ${maxBatchSize}, or raise max_batch_size in its config.pbtxt` }];
}

/** Every shape must be that of an input of some model. */
export function checkShapeNames(
  variants: readonly ShapesByInput[],
  models: readonly ModelMetadata[],
): readonly Problem[] {
  const where = '--shape';
  const known = models.flatMap(({ inputs }) => inputs.map(({ name }) => name));
  const named = models.map(({ name }) => name).join(', ');
  const problems = new Map<string, Problem>();
  for (const [name, dims] of variants.flatMap((shapes) => Object.entries(shapes))) {
    if (!known.includes(name)) {
      const hint = `its inputs are ${known.join(', ')}`;
      problems.set(name, { what: `model ${named} has no input ${name}`, where, hint });
    } else if (!dims.every((size) => isWhole(size, 1))) {
      problems.set(name, { what: `the shape of input ${name} needs sizes of at least 1`, where });
    }
  }
  return [...problems.values()];
}

/** `totalBytes` is what the values of one request take. */
export function checkRequestSize(totalBytes: number): readonly Problem[] {
  // A batch size that is no number is reported on its own.
  if (!(totalBytes > MAX_REQUEST_BYTES)) return [];
  const what = `one request would carry ${totalBytes} bytes, over the ${MAX_REQUEST_BYTES} that a message can hold`;
  return [{ what, where: '-b', hint: 'use a smaller batch size or smaller shapes' }];
}

const isWhole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
