/**
 * Options and a model's metadata become one frozen LoadPlan. Everything a user can get wrong about the load is found
 * here, before any request is sent, and reported together.
 */
import { availableParallelism } from 'node:os';
import { PerfTsError, type Problem } from '../common/errors.js';
import { deriveSeed } from '../common/random.js';
import { type Nanos, seconds } from '../common/units.js';
import { elementCount, elementSize, isDataType } from '../kserve/data-types.js';
import type { ModelMetadata, TensorMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { checkBatchSize, checkRequestSize, checkSequence, checkSettings, checkShapeNames } from './check-plan.js';
import { type Batching, concreteShape, findBatching, type ShapesByInput } from './input-shapes.js';
import type { InputPlan, LevelSequence, LoadPlan, StopRule } from './load-plan.js';

export interface PlanOptions {
  readonly model: string;
  /** Left out lets the server choose. */
  readonly modelVersion?: string | undefined;
  readonly protocol: Protocol;
  /** `host:port` for `protocol`. */
  readonly endpoint: string;
  readonly sequence: LevelSequence;
  /** Rows in each request; 1 by default. */
  readonly batchSize?: number | undefined;
  readonly shapes?: ShapesByInput | undefined;
  /** `random` by default. */
  readonly inputSource?: 'random' | 'zero' | undefined;
  /** Length of each element of a BYTES input; 128 by default. */
  readonly stringLengthBytes?: number | undefined;
  readonly stopRule: StopRule;
  readonly latencyLimit?: Nanos | undefined;
  /** 30 s by default. */
  readonly requestTimeout?: Nanos | undefined;
  /** `defaultWorkerCount` of this host by default. */
  readonly workerCount?: number | undefined;
  /** 1 by default. */
  readonly seed?: number | undefined;
}

/** One worker for every four CPUs, at most four: enough for most servers without taking a small host's CPUs from the server. */
export const defaultWorkerCount = (cpuCount: number): number => Math.min(4, Math.max(1, Math.floor(cpuCount / 4)));

/**
 * Checks `options` against the model and fills in what is left out. The plan is frozen in depth and plain data.
 * `config` is undefined where the server publishes none; `findBatching` says how batching is told then.
 * Throws PerfTsError BAD_OPTION that names every problem, with the flag of each.
 */
export function createLoadPlan(
  options: PlanOptions,
  metadata: ModelMetadata,
  config: ModelConfig | undefined,
): LoadPlan {
  const settings = { ...optionDefaults(), ...withoutUndefined(options) };
  const problems: Problem[] = [...checkSettings(settings), ...checkSequence(settings.sequence)];
  const batching = findBatching(metadata, config, settings.shapes);
  problems.push(...checkBatchSize(settings.model, settings.batchSize, batching));
  problems.push(...checkShapeNames(settings.shapes, metadata));
  const inputs = metadata.inputs.map((input, index) => planInput(input, index, settings, batching, problems));
  problems.push(...checkRequestSize(inputs.reduce((sum, input) => sum + inputBytes(input), 0)));
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return deepFreeze({
    model: settings.model,
    modelVersion: settings.modelVersion,
    protocol: settings.protocol,
    endpoint: settings.endpoint,
    sequence: structuredClone(settings.sequence),
    batchSize: settings.batchSize,
    inputs,
    stopRule: { ...settings.stopRule },
    ...(settings.latencyLimit === undefined ? {} : { latencyLimit: settings.latencyLimit }),
    requestTimeout: settings.requestTimeout,
    workerCount: settings.workerCount,
    seed: settings.seed,
  });
}

function optionDefaults() {
  return {
    modelVersion: '',
    batchSize: 1,
    shapes: {} as ShapesByInput,
    inputSource: 'random' as 'random' | 'zero',
    stringLengthBytes: 128,
    latencyLimit: undefined as Nanos | undefined,
    requestTimeout: seconds(30),
    workerCount: defaultWorkerCount(availableParallelism()),
    seed: 1,
  };
}

type Settings = ReturnType<typeof optionDefaults> &
  Pick<PlanOptions, 'model' | 'protocol' | 'endpoint' | 'sequence' | 'stopRule'>;

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

const withoutUndefined = (options: PlanOptions): Given<PlanOptions> =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as Given<PlanOptions>;

function planInput(
  input: TensorMetadata,
  index: number,
  settings: Settings,
  batching: Batching,
  problems: Problem[],
): InputPlan {
  const given = Object.hasOwn(settings.shapes, input.name) ? settings.shapes[input.name] : undefined;
  const shape = concreteShape(input, batching, settings.batchSize, given, problems);
  const dataType = isDataType(input.datatype) ? input.datatype : undefined;
  if (dataType === undefined) {
    problems.push({ what: `input ${input.name} has the data type ${input.datatype}, which is unknown`, where: '-m' });
  }
  return {
    name: input.name,
    dataType: dataType ?? 'BYTES',
    shape: [...shape],
    source:
      settings.inputSource === 'zero' ? { kind: 'zero' } : { kind: 'random', seed: deriveSeed(settings.seed, index) },
    stringLengthBytes: settings.stringLengthBytes,
  };
}

/** Bytes that the values of an input take in a request. */
export function inputBytes(input: InputPlan): number {
  return elementCount(input.shape) * (elementSize(input.dataType) ?? 4 + input.stringLengthBytes);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
