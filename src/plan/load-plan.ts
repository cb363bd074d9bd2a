/**
 * One frozen description of everything a run will send: plain data, so it can cross a thread, a file or a queue, and
 * the same plan sends the same requests.
 */

import type { Nanos } from '../common/units.js';
import type { Protocol } from '../kserve/protocol.js';
import type { TensorSpec } from '../kserve/tensor.js';

/** What keeps requests coming at one level. Open-loop kinds join this union. */
export type LoadLevel = {
  readonly kind: 'closed';
  /** Requests kept in flight, over all workers. */
  readonly concurrency: number;
  /** Rows in each request. */
  readonly batchSize: number;
};

/** How the levels of a run follow one another. */
export type LevelSequence =
  /** Doubling from `start` to `end`, then finer around the knee. */
  | { readonly kind: 'adaptive'; readonly start: number; readonly end: number }
  | { readonly kind: 'stepped'; readonly values: readonly number[] };

/** Where an input's values come from. */
export type InputSource = { readonly kind: 'random'; readonly seed: number } | { readonly kind: 'zero' };

/** One input of each request; the shape is concrete and includes the batch dimension where the model batches. */
export interface InputPlan extends TensorSpec {
  readonly source: InputSource;
  /** Length of each element of a BYTES input. */
  readonly stringLengthBytes: number;
}

/** When a level may end. */
export interface StopRule {
  readonly minDuration: Nanos;
  readonly maxDuration: Nanos;
  /** Half width of the 95 % interval over the estimate, for throughput and mean latency; p99 may have twice that. */
  readonly targetHalfWidth: number;
}

export interface LoadPlan {
  readonly model: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  readonly protocol: Protocol;
  readonly endpoint: string;
  readonly sequence: LevelSequence;
  readonly batchSize: number;
  readonly inputs: readonly InputPlan[];
  readonly stopRule: StopRule;
  /**
   * A level past this mean latency (or percentile, if asked) ends a stepped sequence; an adaptive one ends its climb once
   * throughput has also stopped growing, and then refines around the limit.
   */
  readonly latencyLimit?: Nanos;
  readonly requestTimeout: Nanos;
  readonly workerCount: number;
  readonly seed: number;
}
