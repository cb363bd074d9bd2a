/**
 * Options and a model's metadata become one frozen LoadPlan. Everything a user can get wrong about the load is found
 * here, before any request is sent, and reported together.
 */
import { availableParallelism } from 'node:os';

import type { ClientKind, Compression, TensorFormats, TlsOptions } from '../client/infer-client.js';
import { appendAll, largestOf } from '../common/append-all.js';

import { PerfTsError, type Problem } from '../common/errors.js';
import { deriveSeed } from '../common/random.js';
import { type Nanos, seconds } from '../common/units.js';
import { elementCount, elementSize, isDataType } from '../kserve/data-types.js';
import type { ModelMetadata, TensorMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { RequestParameters } from '../kserve/tensor.js';
import type { ModelConfig } from '../model-config/model-config.js';
import {
  checkBatchSize,
  checkCounts,
  checkLoad,
  checkModels,
  checkPeakScope,
  checkRequestSize,
  checkSettings,
  checkShapeNames,
} from './check-plan.js';
import { DEFAULT_MAX_ERROR_RATIO } from './error-limit.js';
import type { DataFile } from './input-data/data-files.js';
import type { InputChoice } from './input-data/input-choice.js';
import { type Batching, concreteShape, findBatching, type ShapesByInput } from './input-shapes.js';
import type {
  InputPlan,
  LevelSequence,
  LoadKind,
  LoadPlan,
  ModelLoad,
  SharedMemoryPlan,
  StopRule,
} from './load-plan.js';
import { checkChoiceNames, type PlannedValues, planValues, specsOf } from './plan-values.js';

export interface PlanOptions {
  readonly protocol: Protocol;
  /** `host:port` for `protocol`. */
  readonly endpoint: string;
  /** `defaultClient` of the protocol by default. */
  readonly client?: ClientKind | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly compression?: Compression | undefined;
  readonly tensorFormats?: TensorFormats | undefined;
  /** A closed loop by default. */
  readonly load?: LoadKind | undefined;
  readonly sequence: LevelSequence;
  /** Rows in each request; 1 by default. */
  readonly batchSizes?: readonly number[] | undefined;
  readonly shapes?: ShapesByInput | undefined;
  /** Instead of `shapes`: each of them is measured. */
  readonly shapeVariants?: readonly ShapesByInput[] | undefined;
  /** `random` by default. */
  readonly inputSource?: 'random' | 'zero' | undefined;
  /** What `--input-data` says, in its order; what it leaves open follows `inputSource`. */
  readonly inputChoices?: readonly InputChoice[] | undefined;
  /** The files that `inputChoices` name. */
  readonly dataFiles?: readonly DataFile[] | undefined;
  /** Length of each element of a BYTES input; 128 by default. */
  readonly stringLengthBytes?: number | undefined;
  /** The text of each element instead. */
  readonly stringData?: string | undefined;
  /** Parameters of every request. */
  readonly requestParameters?: RequestParameters | undefined;
  readonly sharedMemory?: SharedMemoryPlan | undefined;
  readonly validationTolerance?: number | undefined;
  readonly keepsTensors?: boolean | undefined;
  readonly requestCount?: number | undefined;
  readonly warmupRequestCount?: number | undefined;
  readonly stopRule: StopRule;
  readonly latencyLimit?: Nanos | undefined;
  readonly latencyPercentile?: number | undefined;
  /** `DEFAULT_MAX_ERROR_RATIO` by default. */
  readonly maxErrorRatio?: number | undefined;
  /** 30 s by default. */
  readonly requestTimeout?: Nanos | undefined;
  readonly mayFailFirst?: boolean | undefined;
  /** `defaultWorkerCount` of this host by default. */
  readonly workerCount?: number | undefined;
  /** 1 by default. */
  readonly seed?: number | undefined;
}

/** A model that gets requests, as its server describes it. */
export interface DescribedModel {
  readonly model: string;
  /** Left out lets the server choose. */
  readonly modelVersion?: string | undefined;
  /** 1 by default. */
  readonly weight?: number | undefined;
  readonly metadata: ModelMetadata;
  /** Undefined where the server publishes none; `findBatching` says how batching is told then. */
  readonly config: ModelConfig | undefined;
}

/** One worker for every four CPUs, at most four: enough for most servers without taking a small host's CPUs from the server. */
export const defaultWorkerCount = (cpuCount: number): number => Math.min(4, Math.max(1, Math.floor(cpuCount / 4)));

/** The fastest client of a protocol that can send what is asked: compressed gRPC messages are @grpc/grpc-js's. */
export function defaultClient(protocol: Protocol, compression: Compression = 'none'): ClientKind {
  if (protocol === 'http') return 'http';
  return compression === 'none' ? 'grpc-wire' : 'grpc-js';
}

/**
 * Checks `options` against the models and fills in what is left out. The plan is frozen in depth and plain data.
 * Throws PerfTsError BAD_OPTION that names every problem, with the flag of each.
 */
export function createLoadPlan(options: PlanOptions, described: readonly DescribedModel[]): LoadPlan {
  const settings: Settings = { ...optionDefaults(), ...withoutUndefined(options) };
  const variants = settings.shapeVariants ?? [settings.shapes];
  const problems: Problem[] = [
    ...checkSettings(settings),
    ...checkModels(described),
    ...checkLoad(settings.load, settings.sequence),
    ...checkCounts(settings),
    ...checkPeakScope(settings, variants),
    ...checkShapeNames(
      variants,
      described.map(({ metadata }) => metadata),
    ),
    ...checkChoiceNames(
      settings.inputChoices,
      described.map(({ metadata }) => metadata),
    ),
  ];
  const models = described.map((model, index) => planModel(model, index, variants, settings, problems));
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  const {
    shapes: _,
    shapeVariants: __,
    inputSource: ___,
    stringLengthBytes: ____,
    inputChoices: _____,
    dataFiles: ______,
    stringData: _______,
    requestParameters: ________,
    ...rest
  } = settings;
  return deepFreeze(
    structuredClone({
      ...rest,
      models,
      workerCount: usefulWorkerCount(settings),
      client: settings.client ?? defaultClient(settings.protocol, settings.compression),
    }),
  );
}

/** A worker that may have nothing in flight would drop its part of the schedule. */
const usefulWorkerCount = ({ load, workerCount }: Settings): number =>
  load.kind === 'open' ? Math.min(workerCount, load.maxInFlight) : workerCount;

function optionDefaults() {
  return {
    load: { kind: 'closed' } as LoadKind,
    batchSizes: [1] as readonly number[],
    shapes: {} as ShapesByInput,
    inputSource: 'random' as 'random' | 'zero',
    inputChoices: [] as readonly InputChoice[],
    dataFiles: [] as readonly DataFile[],
    stringLengthBytes: 128,
    maxErrorRatio: DEFAULT_MAX_ERROR_RATIO,
    requestTimeout: seconds(30),
    workerCount: defaultWorkerCount(availableParallelism()),
    seed: 1,
  };
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };
type Settings = ReturnType<typeof optionDefaults> & Given<PlanOptions>;

const withoutUndefined = (options: PlanOptions): Given<PlanOptions> =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as Given<PlanOptions>;

function planModel(
  { model, modelVersion = '', weight = 1, metadata, config }: DescribedModel,
  modelIndex: number,
  variants: readonly ShapesByInput[],
  settings: Settings,
  problems: Problem[],
): ModelLoad {
  const batchings = variants.map((shapes) => findBatching(metadata, config, shapes));
  const [batching] = batchings as [Batching];
  for (const batchSize of settings.batchSizes) appendAll(problems, checkBatchSize(model, batchSize, batching));
  if (batchings.some(({ isBatching }) => isBatching !== batching.isBatching)) {
    const what = 'some of the shapes give every dimension of an input and others leave the batch dimension out';
    problems.push({ what, where: '--shape', hint: 'give all of them without the batch dimension' });
  }
  const seed = modelIndex === 0 ? settings.seed : deriveSeed(settings.seed, 1000 + modelIndex);
  const found: Problem[] = [];
  const values = planValues(settings, { metadata, config }, batching, variants, problems);
  const shapeVariants = variants.map((shapes) =>
    metadata.inputs.flatMap((input, index) =>
      planInput(input, deriveSeed(seed, index), shapes, settings, batching, values, found),
    ),
  );
  // An input that lacks a shape lacks it in every variant.
  const byText = new Map(found.toReversed().map((problem) => [problem.what, problem]));
  appendAll(problems, [...byText.values()].toReversed());
  const rows = batching.isBatching ? largestOf(settings.batchSizes) : 1;
  const sizes = shapeVariants.map((inputs) => inputs.reduce((sum, input) => sum + inputBytes(input), 0) * rows);
  appendAll(problems, checkRequestSize(largestOf(sizes)));
  const { dataset } = values;
  const hasOutputs = settings.sharedMemory !== undefined || (dataset?.outputs.length ?? 0) > 0;
  return {
    model,
    modelVersion,
    weight,
    hasBatchDimension: batching.isBatching,
    shapeVariants,
    ...(dataset && { dataset }),
    ...(hasOutputs && { outputs: specsOf(metadata.outputs, batching) }),
    ...(settings.requestParameters && { parameters: settings.requestParameters }),
  };
}

/** Nothing for an optional input that is not sent. */
function planInput(
  input: TensorMetadata,
  seed: number,
  shapes: ShapesByInput,
  settings: Settings,
  batching: Batching,
  values: PlannedValues,
  problems: Problem[],
): InputPlan[] {
  const source = values.sourceOf(input.name, seed);
  if (source === undefined) return [];
  const given = Object.hasOwn(shapes, input.name) ? shapes[input.name] : undefined;
  const shape = values.shapeOf(input.name) ?? concreteShape(input, batching, given, problems);
  const dataType = isDataType(input.datatype) ? input.datatype : undefined;
  if (dataType === undefined) {
    problems.push({ what: `input ${input.name} has the data type ${input.datatype}, which is unknown`, where: '-m' });
  }
  const { stringLengthBytes, stringData } = settings;
  const planned = { name: input.name, dataType: dataType ?? 'BYTES', shape: [...shape], source, stringLengthBytes };
  return [stringData === undefined ? planned : { ...planned, stringData }];
}

/** Bytes that the values of one row of an input take in a request. */
export function inputBytes(input: InputPlan): number {
  if (input.source.kind === 'data') return input.source.rowBytes;
  return elementCount(input.shape) * (elementSize(input.dataType) ?? 4 + stringBytes(input));
}

const stringBytes = ({ stringData, stringLengthBytes }: InputPlan): number =>
  stringData === undefined ? stringLengthBytes : Buffer.byteLength(stringData);

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
