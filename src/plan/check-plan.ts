/** What a user can get wrong about a load, as problems with the flag of each. */
import type { Problem } from '../common/errors.js';
import type { Nanos } from '../common/units.js';
import type { ModelMetadata } from '../kserve/metadata.js';
import type { Batching, ShapesByInput } from './input-shapes.js';
import type { LevelSequence, StopRule } from './load-plan.js';
import { MAX_CONCURRENCY } from './parse-load-options.js';

const MAX_WORKERS = 64;
/** A request must fit a gRPC message and one buffer. */
const MAX_REQUEST_BYTES = 2 ** 31 - 2 ** 20;

/** The settings that can be judged without the model. */
export interface CheckedSettings {
  readonly model: string;
  readonly endpoint: string;
  readonly batchSize: number;
  readonly stringLengthBytes: number;
  readonly requestTimeout: Nanos;
  readonly latencyLimit: Nanos | undefined;
  readonly workerCount: number;
  readonly seed: number;
  readonly stopRule: StopRule;
}

export function checkSettings(settings: CheckedSettings): readonly Problem[] {
  const { minDuration, maxDuration, targetHalfWidth } = settings.stopRule;
  const rules: readonly [isGood: boolean, where: string, what: string][] = [
    [settings.model !== '', '-m', 'no model is named'],
    [/^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/.test(settings.endpoint), '-u', `"${settings.endpoint}" is not HOST:PORT`],
    [
      isWhole(settings.batchSize, 1),
      '-b',
      `the batch size must be a whole number of at least 1, not ${settings.batchSize}`,
    ],
    [
      isWhole(settings.stringLengthBytes, 0),
      '--string-length',
      'the string length must be a whole number of at least 0',
    ],
    [settings.requestTimeout > 0, '--request-timeout', 'the request timeout must be longer than 0'],
    [(settings.latencyLimit ?? 1) > 0, '--latency-threshold', 'the latency limit must be longer than 0'],
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

export function checkSequence(sequence: LevelSequence): readonly Problem[] {
  const where = '--concurrency-range';
  const values = sequence.kind === 'stepped' ? sequence.values : [sequence.start, sequence.end];
  if (values.length === 0) return [{ what: 'the range holds no level', where }];
  const bad = values.find((value) => !isWhole(value, 1) || value > MAX_CONCURRENCY);
  if (bad !== undefined) {
    return [{ what: `a concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}, not ${bad}`, where }];
  }
  const isBackwards = sequence.kind === 'adaptive' && sequence.end < sequence.start;
  return isBackwards ? [{ what: 'the range ends before it starts', where }] : [];
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

export function checkShapeNames(shapes: ShapesByInput, metadata: ModelMetadata): readonly Problem[] {
  const known = metadata.inputs.map(({ name }) => name);
  return Object.entries(shapes).flatMap(([name, dims]): Problem[] => {
    if (!known.includes(name)) {
      const hint = `its inputs are ${known.join(', ')}`;
      return [{ what: `model ${metadata.name} has no input ${name}`, where: '--shape', hint }];
    }
    if (dims.every((size) => isWhole(size, 1))) return [];
    return [{ what: `the shape of input ${name} needs sizes of at least 1`, where: '--shape' }];
  });
}

/** `totalBytes` is what the values of one request take. */
export function checkRequestSize(totalBytes: number): readonly Problem[] {
  // A batch size that is no number is reported on its own.
  if (!(totalBytes > MAX_REQUEST_BYTES)) return [];
  const what = `one request would carry ${totalBytes} bytes, over the ${MAX_REQUEST_BYTES} that a message can hold`;
  return [{ what, where: '-b', hint: 'use a smaller batch size or smaller shapes' }];
}

const isWhole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
