/**
 * One frozen description of everything a run will send: plain data, so it can cross a thread, a file or a queue, and
 * the same plan sends the same requests. Nothing here is done; parse-*.ts and plan.ts make it, src/load carries it out.
 *
 *   LoadPlan    the whole run: which models, how they are reached, what keeps requests coming, in which order levels follow
 *   ModelLoad   one model: its share of the requests, and its inputs for every shape that is measured
 *   LoadLevel   one level: a concurrency or a request rate, with the batch size and shape that hold while it lasts
 *   Arrival     when the requests of an open-loop level are due
 */

import type { ClientKind, Compression, TensorFormats, TlsOptions } from '../client/infer-client.js';
import type { Nanos } from '../common/units.js';
import type { Protocol } from '../kserve/protocol.js';
import type { RequestParameters, TensorSpec } from '../kserve/tensor.js';
import type { InputDataset } from './input-data/dataset.js';

/** One stretch of a load profile: the rate goes in a straight line from `startPerSec` to `endPerSec`. */
export interface ProfileSegment {
  readonly duration: Nanos;
  readonly startPerSec: number;
  readonly endPerSec: number;
}

/** When the requests of an open-loop level are due, relative to its begin; arrival-schedule.ts does the arithmetic. */
export type Arrival =
  /** One request every 1 / rate. */
  | { readonly kind: 'constant' }
  /** Independent exponential gaps with the mean 1 / rate, from the level's seed. */
  | { readonly kind: 'poisson' }
  /** These gaps in turn, over and over; they say the rate themselves. */
  | { readonly kind: 'intervals'; readonly intervalsNs: readonly number[] }
  /** Ramps, steps and bursts, once; `isPoisson` draws the gaps at random around the profile's rate. */
  | { readonly kind: 'profile'; readonly segments: readonly ProfileSegment[]; readonly isPoisson: boolean };

interface CommonLevel {
  /** Rows in each request of a model that batches. */
  readonly batchSize: number;
  /** Which of the models' shape variants; the first when left out. */
  readonly shapeIndex?: number;
  /** The shapes for people and records, such as `input:1,32,100`; left out where a run measures one variant only. */
  readonly shapes?: string;
  /** Exactly so many requests are sent, over all workers; the level ends with the last answer. */
  readonly requestCount?: number;
  /** So many requests are sent and answered before the level begins; they are no part of it. */
  readonly warmupRequestCount?: number;
}

export interface ClosedLevel extends CommonLevel {
  readonly kind: 'closed';
  /** Requests kept in flight, over all workers. */
  readonly concurrency: number;
}

export interface OpenLevel extends CommonLevel {
  readonly kind: 'open';
  /** Mean rate over all workers; for `intervals` and `profile` it follows from the arrival. */
  readonly requestRatePerSec: number;
  readonly arrival: Arrival;
  /** An arrival that finds so many requests in flight, over all workers, is dropped and counted. */
  readonly maxInFlight: number;
  /** Such an arrival waits instead, and is sent late: perf_analyzer's threads (--max-threads) wait for their requests. */
  readonly waitsWhenFull?: true;
  /** Of everything random in the schedule. */
  readonly seed: number;
}

/** What keeps requests coming at one level. */
export type LoadLevel = ClosedLevel | OpenLevel;

/** What the values of a LevelSequence are. */
export type LoadKind =
  /** Concurrencies. */
  | { readonly kind: 'closed' }
  /** Request rates. */
  | {
      readonly kind: 'open';
      readonly arrival: Arrival;
      readonly maxInFlight: number;
      readonly waitsWhenFull?: true;
    };

/** How the levels of a run follow one another, for each batch size and shape anew. */
export type LevelSequence =
  /** Doubling from `start` to `end`, then finer around the knee. */
  | { readonly kind: 'adaptive'; readonly start: number; readonly end: number }
  | { readonly kind: 'stepped'; readonly values: readonly number[] }
  /** From `start` on until a level is past the latency limit; without a step each level doubles the one before. */
  | { readonly kind: 'open-ended'; readonly start: number; readonly step?: number }
  /** From `start` while the latency limit holds, then halving towards where it stops holding, until as near as `step`. */
  | { readonly kind: 'binary-search'; readonly start: number; readonly end: number; readonly step: number }
  /** Looks for the highest request rate that holds; `start` is where it begins, else half of what a closed loop reaches. */
  | { readonly kind: 'peak'; readonly start?: number; readonly end?: number };

/** Where an input's values come from. */
export type InputSource =
  /** With bounds, whole numbers lie in `low`..`high`, others below `high`; without, see src/load/input-values.ts. */
  | { readonly kind: 'random'; readonly seed: number; readonly low?: number; readonly high?: number }
  | { readonly kind: 'zero' }
  /** From the model's dataset; `rowBytes` is its largest row. */
  | { readonly kind: 'data'; readonly rowBytes: number };

/** One input of each request; the shape is concrete and leaves the batch dimension out. */
export interface InputPlan extends TensorSpec {
  readonly source: InputSource;
  /** Length of each element of a BYTES input. */
  readonly stringLengthBytes: number;
  /** Instead of generated strings: this text. */
  readonly stringData?: string;
}

export interface ModelLoad {
  readonly model: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  /** Share of the requests against the other models' weights; whole. */
  readonly weight: number;
  /** Requests carry the level's batch size as first dimension of every input. */
  readonly hasBatchDimension: boolean;
  /** The inputs for each shape that the run measures; every model has as many variants. */
  readonly shapeVariants: readonly (readonly InputPlan[])[];
  /** Values from files; inputs with the source `data` are in it. */
  readonly dataset?: InputDataset;
  /** What the model returns, the batch dimension left out; there where answers are compared or go to shared memory. */
  readonly outputs?: readonly TensorSpec[];
  /** Of every request. */
  readonly parameters?: RequestParameters;
}

/** Tensors lie in memory that this host's processes share, instead of in the messages. */
export interface SharedMemoryPlan {
  readonly kind: 'system';
  /** Room for each row of an output whose size is not known beforehand. */
  readonly outputBytes: number;
}

/** When a level may end. */
export interface StopRule {
  readonly minDuration: Nanos;
  readonly maxDuration: Nanos;
  /** Half width of the 95 % interval over the estimate, for throughput and mean latency; p99 may have twice that. */
  readonly targetHalfWidth: number;
  /** The least time is spent in so many visits, spread over the run with other levels between them; one stretch by default. */
  readonly visitCount?: number;
  /** As many requests must have ended before precision may end the level. */
  readonly minRequestCount?: number;
  /** Instead of all that: three windows that agree, as perf_analyzer judges. */
  readonly windows?: WindowRule;
}

/** perf_analyzer's way of ending a level. */
export interface WindowRule {
  /** Windows of equal time, or of equally many requests. */
  readonly kind: 'time' | 'count';
  readonly interval: Nanos;
  readonly requestCount: number;
  /** By how much the largest of three windows may exceed the smallest; 0.1 for 10 %. */
  readonly stabilityRatio: number;
  readonly maxWindows: number;
  /** Judged (and limited) instead of the mean. */
  readonly percentile?: number;
  readonly latencyLimit?: Nanos;
  /** After the last window, agreement in throughput alone is enough. */
  readonly acceptsThroughputAlone: boolean;
}

export interface LoadPlan {
  /** At least one. */
  readonly models: readonly ModelLoad[];
  readonly protocol: Protocol;
  readonly endpoint: string;
  /** What sends the requests; fits the protocol. */
  readonly client: ClientKind;
  readonly tls?: TlsOptions;
  /** HTTP headers or gRPC metadata of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: Compression;
  /** Of HTTP; both binary when left out. */
  readonly tensorFormats?: TensorFormats;
  readonly sharedMemory?: SharedMemoryPlan;
  /** By how much a float may differ from what the input data expects, relative and absolute. */
  readonly validationTolerance?: number;
  /** True where what went in and out of each request is kept for an export. */
  readonly keepsTensors?: boolean;
  readonly load: LoadKind;
  readonly sequence: LevelSequence;
  /** The sequence is gone through for each of them. */
  readonly batchSizes: readonly number[];
  readonly requestCount?: number;
  readonly warmupRequestCount?: number;
  readonly stopRule: StopRule;
  /**
   * A level past this latency ends a stepped sequence; an adaptive one ends its climb once throughput has also stopped
   * growing, and then refines around the limit; a search holds it.
   */
  readonly latencyLimit?: Nanos;
  /** The percentile (0..100) that the limit speaks of; the mean when left out. */
  readonly latencyPercentile?: number;
  /** Share of failed requests above which a level is INVALID. */
  readonly maxErrorRatio: number;
  readonly requestTimeout: Nanos;
  /** True where a failure of the request that is sent before any load does not end the run. */
  readonly mayFailFirst?: boolean;
  readonly workerCount: number;
  readonly seed: number;
}

/** The value of a level that its sequence speaks of. */
export const levelValue = (level: LoadLevel): number =>
  level.kind === 'closed' ? level.concurrency : level.requestRatePerSec;

/** The plan as records keep it: what the data files hold is told by their digest, and headers by their names. */
export function recordedPlan(plan: LoadPlan): object {
  const models = plan.models.map((model) => {
    if (model.dataset === undefined) return model;
    const { files, sha256, streamCount, stepCount, inputs, outputs } = model.dataset;
    return { ...model, dataset: { files, sha256, streamCount, stepCount, inputs, outputs } };
  });
  const headers = Object.fromEntries(Object.keys(plan.headers ?? {}).map((name) => [name, '(not kept)']));
  return { ...plan, models, ...(plan.headers && { headers }) };
}
