/**
 * Metadata and statistics in the shapes that KServe v2 and Triton publish over HTTP. gRPC answers are converted to
 * these, so the rest of perf-ts sees one form. Counts and nanoseconds are plain numbers here.
 */

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  /** KServe name such as FP32. */
  readonly datatype: string;
  /** -1 marks a dynamic dimension; the batch dimension is included. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Number of events and their total duration. */
export interface StatisticDuration {
  readonly count: number;
  /** Total nanoseconds over `count` events. */
  readonly ns: number;
}

export interface InferStatistics {
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly queue: StatisticDuration;
  readonly compute_input: StatisticDuration;
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
  readonly cache_hit: StatisticDuration;
  readonly cache_miss: StatisticDuration;
}

export interface InferBatchStatistics {
  readonly batch_size: number;
  readonly compute_input: StatisticDuration;
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
}

/** Memory that a model takes of one kind (`cpu`, `cpu_pinned`, `gpu`), on one device. */
export interface MemoryUsage {
  readonly type: string;
  readonly id: number;
  readonly byte_size: number;
}

/** Triton's ModelStatistics: a batch adds its full compute time to each of its requests. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Wall clock of the last inference, milliseconds since 1970; 0 when there was none. */
  readonly last_inference: number;
  /** Inferences: each row of a batch counts. */
  readonly inference_count: number;
  /** Executions: each batch handed to the model counts once. */
  readonly execution_count: number;
  readonly inference_stats: InferStatistics;
  readonly batch_stats: readonly InferBatchStatistics[];
  /** Left out by those that do not know. */
  readonly memory_usage?: readonly MemoryUsage[];
  /** By response of a decoupled model; perf-ts does not read it. */
  readonly response_stats?: Readonly<Record<string, object>>;
}
