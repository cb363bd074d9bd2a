/**
 * The versioned record of a measuring run: what measuring hands to reports, gates and the tuner. The names are a
 * contract with scripts (`--json`, `run.json`): fields may be added, those here stay. Times are nanoseconds, rates per second.
 */
import { z } from 'zod';
import { hostSchema } from './host-record.js';
import { olderAxes } from './level-judgement.js';
import { searchSchema } from './search-record.js';
import { olderFit } from './server-fit.js';

const count = z.number().int().nonnegative();
const ns = z.number().nonnegative();

/** An estimate with its 95 % interval; the bounds are null where too few samples allow none. */
export const estimateSchema = z.object({
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const intervalSchema = z.tuple([ns, ns]).nullable();

export const verdictSchema = z.enum(['VALID', 'UNSTABLE', 'CLIENT_LIMITED', 'INVALID']);
export type Verdict = z.infer<typeof verdictSchema>;

export const warningSchema = z.object({
  /** Stable name such as `CLIENT_BUSY`. */
  code: z.string(),
  /** One sentence for people, with the remedy. */
  message: z.string(),
});
export type Warning = z.infer<typeof warningSchema>;

const commonLoad = {
  batchSize: z.number().int().positive(),
  /** The input shapes of this level where a run measures several, as `input:1,32,100;…`. */
  shapes: z.string().optional(),
};

export const loadSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('closed'), concurrency: z.number().int().positive(), ...commonLoad }),
  z.object({
    kind: z.literal('open'),
    /** Mean rate of the schedule. */
    requestRatePerSec: z.number().positive(),
    arrival: z.enum(['constant', 'poisson', 'intervals', 'profile']),
    ...commonLoad,
  }),
]);
export type RecordedLoad = z.infer<typeof loadSchema>;

export const latencySchema = z.object({ mean: ns, p50: ns, p90: ns, p95: ns, p99: ns, p99_9: ns, max: ns });
export type LatencySummary = z.infer<typeof latencySchema>;

export const latencyIntervalSchema = z.object({
  mean: intervalSchema,
  p50: intervalSchema,
  p90: intervalSchema,
  p95: intervalSchema,
  p99: intervalSchema,
  p99_9: intervalSchema.default(null),
  max: intervalSchema.default(null),
});
export type LatencyIntervals = z.infer<typeof latencyIntervalSchema>;

/** Server-side averages a request, from the server's statistics, and its counts, between the looks at it nearest to the window. */
export const serverTimesSchema = z.object({
  queueNs: ns,
  computeInputNs: ns,
  computeInferNs: ns,
  computeOutputNs: ns,
  inferenceCount: count,
  executionCount: count,
  /** A whole request inside the server; absent in records of before it was kept, as is the count of successes. */
  requestNs: ns.optional(),
  successCount: count.optional(),
  /** Set where the server claimed more than the latency left for it: its times here are its own, times this. */
  scaledBy: z.number().optional(),
});
export type ServerTimes = z.infer<typeof serverTimesSchema>;

/** Why a level stopped. `schedule-over`: every request that was to be sent has been. */
export const endReasonSchema = z.enum([
  'target-met',
  'time-over',
  'request-count',
  'schedule-over',
  'latency-limit',
  'interrupted',
  'failed',
]);
export type EndReason = z.infer<typeof endReasonSchema>;

/**
 * Where the mean latency of a request went; the parts add up to the total. Server parts come from the server's
 * statistics, client parts from the client's instants, and what neither accounts for is network and front end.
 */
export const latencyPartsSchema = z.object({
  totalNs: ns,
  /** Intended start to the last byte handed to the socket. */
  sendNs: ns,
  networkAndFrontEndNs: ns,
  queueNs: ns,
  computeInputNs: ns,
  computeInferNs: ns,
  computeOutputNs: ns,
  /** First byte of the answer to its last; null where the client does not tell them apart, and it is network then. */
  receiveNs: ns.nullable(),
});
export type LatencyParts = z.infer<typeof latencyPartsSchema>;

/** How close the load generator came to its own limits. */
export const generatorSchema = z.object({
  /** Largest share of time that a worker was busy. */
  busyRatio: z.number(),
  /** Share of slices of 100 ms in which a worker was busy for more than 80 %; null where it was not watched. */
  busySliceRatio: z.number().nullable().default(null),
  /** p99 of how long an answer may have lain unseen before it was stamped; null where it was not watched. */
  timestampUncertaintyNs: ns.nullable().default(null),
  /** How the threads that send were scheduled; left out where it was not watched. */
  scheduling: z.enum(['real-time', 'raised', 'ordinary']).optional(),
  /** CPUs that perf-ts itself kept busy, 1 for one whole CPU, and its share of all CPUs in use on the host. */
  clientCpuCount: z.number().nullable().default(null),
  clientCpuShare: z.number().nullable().default(null),
  /** CPUs that neither perf-ts nor the server kept busy, of those that both may use; null where it cannot be told. */
  othersCpuCount: z.number().nullable().optional(),
  /** Share of time in which something waited for a CPU, be it by the load itself; null where the host does not tell. */
  cpuWaitRatio: z.number().nullable().optional(),
  gcPauseNs: ns,
  /** Longest pause of the garbage collector. */
  gcMaxPauseNs: ns,
  /** CPU time taken by the hypervisor, as a share of all CPUs; null where the host does not tell. */
  stealRatio: z.number().nullable(),
  /** When perf-ts as a whole stood still, since the level began; left out where it never did. */
  standstills: z.array(z.object({ startNs: z.number(), durationNs: ns })).optional(),
  /** Time that the control group kept its processes from running; null outside one. */
  throttledNs: ns.nullable(),
});
export type GeneratorRecord = z.infer<typeof generatorSchema>;

export const gpuRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  utilizationRatio: z.number().nullable(),
  powerWatts: z.number().nullable(),
  memoryUsedBytes: count.nullable(),
  memoryTotalBytes: count.nullable(),
  energyJoules: z.number().nullable(),
});

/** Who ran a model's nodes on one device. */
export const nodeAssignmentSchema = z.object({
  model: z.string(),
  version: z.string(),
  /** `cpu`, `gpu 0`, ... */
  device: z.string(),
  /** Nodes by execution provider; what a provider fuses counts as the nodes it was, where ONNX Runtime tells. */
  nodes: z.record(z.string(), count),
  /** Copies between devices that ONNX Runtime inserted. */
  copyCount: count,
  /** Time to make the first session, with engines that were built for it; no part of what was measured. */
  buildNs: ns,
});
export type NodeAssignmentRecord = z.infer<typeof nodeAssignmentSchema>;

/** What was watched beside the requests; what could not be had is null. */
export const monitorsSchema = z.object({
  /** CPUs in use by the server's process, 1 for one whole CPU. */
  serverCpuCount: z.number().nullable(),
  /** Largest resident set of the server's process. */
  serverMemoryBytes: count.nullable(),
  gpus: z.array(gpuRecordSchema),
  energyPerInferenceJoules: z.number().nullable(),
  /** Who ran the nodes, where our engine was asked for execution providers other than the CPU's own. */
  assignments: z.array(nodeAssignmentSchema).optional(),
  /** Gauges (mean) and counters (growth) of the server's metrics endpoint by name and labels; null when not asked for. */
  serverMetrics: z.record(z.string(), z.number()).nullable(),
});
export type MonitorsRecord = z.infer<typeof monitorsSchema>;

/** One of several models that were loaded together. */
export const modelShareSchema = z.object({
  model: z.string(),
  weight: z.number(),
  requestCount: count,
  errorCount: count,
  /** Share of its requests that failed; null where none ended. */
  errorRatio: z.number().nullable().optional(),
  throughputPerSec: estimateSchema,
  latencyNs: latencySchema.nullable(),
});

/** How a level went that was judged by three windows, as perf_analyzer does it; its figures are those of the last three, merged. */
export const windowedSchema = z.object({
  isStable: z.boolean(),
  /** Of the latencies of the merged windows. */
  standardDeviationNs: ns,
  /** The percentile that was judged; null where it was the mean. */
  percentile: z.object({ percentile: z.number(), latencyNs: ns }).nullable(),
  /** Every window, judged or not; `startNs` counts from the first intended start. */
  windows: z.array(
    z.object({
      startNs: ns,
      endNs: ns,
      requestCount: count,
      requestsPerSec: z.number().nonnegative(),
      latencyNs: ns.nullable(),
      standardDeviationNs: ns,
    }),
  ),
});

/** One way of sending the same load. */
export const clientPathSchema = z.object({
  /** Such as `grpc-wire`. */
  path: z.string(),
  /** In words. */
  title: z.string(),
  /** Over its rounds. */
  requestsPerSec: z.number().nonnegative(),
  latencyNs: latencySchema.nullable(),
  /** Throughput over that of the fastest path, paired round by round; null bounds where too few rounds allow none. */
  throughputRatio: estimateSchema,
  clientCpuNsPerRequest: ns.nullable(),
  latencyParts: latencyPartsSchema.nullable(),
  /** On the wire, headers and framing left out; null where it is not known. */
  requestBytes: count.nullable(),
  errorCount: count,
  /** Where the difference to the fastest goes, in one sentence; empty for the fastest. */
  explanation: z.string(),
});

export const clientComparisonSchema = z.object({
  load: loadSchema,
  roundCount: count,
  fastest: z.string(),
  paths: z.array(clientPathSchema),
  /** Paths that could not be measured here, and why. */
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type ClientComparison = z.infer<typeof clientComparisonSchema>;

/** How the intervals of a level for a repeat came about, and those that the run by itself would give. */
export const repeatSchema = z.object({
  /** The visits over which the level's time was spread, in order. */
  visits: z.array(
    z.object({
      /** Begin of its window since the first visit began, after its own warm-up. */
      startNs: ns,
      durationNs: ns,
      warmupNs: ns,
      requestCount: count,
      /** Inferences a second. */
      throughputPerSec: z.number(),
      latencyMeanNs: ns.nullable(),
    }),
  ),
  /** Within the run: how well the figures of these very visits are known. */
  withinRun: z.object({ throughputPerSec: estimateSchema, latencyIntervalNs: latencyIntervalSchema.nullable() }),
  /** The drift that was allowed for beyond what the visits showed; measured by `perf-ts calibrate`, or assumed. */
  drift: z.object({ ratio: z.number(), correlationNs: ns, isMeasured: z.boolean() }),
});
export type RepeatRecord = z.infer<typeof repeatSchema>;

const currentLevelSchema = z.object({
  load: loadSchema,
  /** INVALID, else UNSTABLE where it was not steady, else CLIENT_LIMITED where the generator was the limit, else VALID. */
  verdict: verdictSchema,
  /** Its figures would come again; exit code 0 and a conclusion need such a level. */
  isSteady: z.boolean(),
  /** The load generator was the limit, so the figures are lower bounds; also of a level that is UNSTABLE. */
  isClientLimited: z.boolean(),
  /** Reasons for a verdict other than VALID, and anything else a reader must know. */
  warnings: z.array(warningSchema),
  endReason: endReasonSchema,
  /**
   * Inferences a second: requests times batch size. With `repeat`, the interval is where the mean of repeats lies; without, what
   * this run alone shows.
   */
  throughputPerSec: estimateSchema,
  requestsPerSec: z.number().nonnegative(),
  /** From the intended start; null when no request succeeded. */
  latencyNs: latencySchema.nullable(),
  latencyIntervalNs: latencyIntervalSchema.nullable(),
  /** The percentile that the run's latency limit speaks of, where it is none of those above. */
  otherPercentile: z.object({ percentile: z.number(), latencyNs: ns, intervalNs: intervalSchema }).optional(),
  /** Left out where the level was one stretch of time, and its intervals are those of that stretch. */
  repeat: repeatSchema.optional(),
  /** From the send instant. */
  serviceNs: latencySchema.nullable(),
  sendLagNs: z.object({ p50: ns, p99: ns, max: ns }).nullable(),
  /** Successful requests in the measured window, after warm-up. */
  requestCount: count,
  errorCount: count,
  /** Failed requests by cause. */
  errors: z.record(z.string(), count),
  /** Share of all requests of the level that failed or were answered wrongly; null where none ended. */
  errorRatio: z.number().nullable().optional(),
  /** Measured window, after warm-up. */
  durationNs: ns,
  /** Cut from the start. */
  /** When the level, or its first visit, began on the clock of its saved samples. Absent in older records. */
  clockBeginNs: ns.optional(),
  warmupNs: ns,
  warmupRequestCount: count,
  /** Arrivals that were never sent, because too many requests were in flight already. */
  droppedCount: count.default(0),
  /** Requests sent more than 1 ms after their intended start. */
  delayedCount: count.default(0),
  /** Requests that had no response when the level was over; no failures, and in no other figure. Left out for none. */
  unfinishedCount: count.optional(),
  /** Answers that differ from the expected outputs of the input data; null when none were given. */
  mismatchCount: count.nullable().default(null),
  clientCpuNsPerRequest: ns.nullable(),
  /** Null where the server offers no statistics. */
  server: serverTimesSchema.nullable(),
  /** Null where the server offers no statistics or no request succeeded. */
  latencyParts: latencyPartsSchema.nullable().default(null),
  generator: generatorSchema.nullable().default(null),
  monitors: monitorsSchema.nullable().default(null),
  /** Set where windows judged the level instead of confidence. */
  windowed: windowedSchema.optional(),
  /** By model where several were loaded at once; empty for one. */
  models: z.array(modelShareSchema).default([]),
  /** Throughput a slice of the window (inferences a second) and mean latency, for the time plot. */
  timeline: z.array(z.object({ startNs: ns, throughputPerSec: z.number(), latencyMeanNs: ns.nullable() })),
});
export type LevelRecord = z.infer<typeof currentLevelSchema>;

/** Records of before verdicts had two axes get them from their words, and those of before server times were scaled their scale. */
export const levelRecordSchema = z.preprocess(
  (level) =>
    level !== null && typeof level === 'object'
      ? { ...level, ...('isSteady' in level ? {} : olderAxes(level)), ...olderFit({ ...level }) }
      : level,
  currentLevelSchema,
);

/** The highest rate that holds a latency limit. */
export const peakSchema = z.object({
  /** Null where the rate had only to be served without a growing backlog. */
  latencyLimitNs: ns.nullable(),
  /** What was held against the limit, such as `latency_p99`; `served` without one. */
  metric: z.string(),
  /** `value` and `low` are what was confirmed, `high` is the lowest rate above it that failed; null when none was confirmed. */
  requestRatePerSec: estimateSchema.nullable(),
  isConfirmed: z.boolean(),
  probes: z.array(
    z.object({ requestRatePerSec: z.number(), result: z.enum(['pass', 'fail', 'unclear']), latencyNs: ns.nullable() }),
  ),
});
export type PeakRecord = z.infer<typeof peakSchema>;

export const runRecordSchema = z.object({
  schema: z.literal('perf-ts/run@1'),
  id: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  finishedAt: z.string(),
  tool: z.object({ version: z.string(), command: z.array(z.string()) }),
  model: z.string(),
  modelVersion: z.string(),
  /** Relative to the folder the command ran in, or absolute where it lies elsewhere. */
  directory: z.string(),
  state: z.enum(['complete', 'interrupted', 'failed']),
  target: z.object({
    kind: z.enum(['embedded', 'remote', 'local']),
    endpoint: z.string(),
    protocol: z.enum(['grpc', 'http']),
    /** The client that sent the requests; absent in records of before there was a choice. */
    client: z.enum(['grpc-wire', 'grpc-js', 'grpc-js-new-channel', 'http']).optional(),
    server: z.object({ name: z.string(), version: z.string() }).nullable(),
    /** True when the model is the zoo's, with random weights. */
    isDemoModel: z.boolean(),
  }),
  /** The whole LoadPlan: what would repeat this run. */
  plan: z.unknown(),
  /** As the server reported it; null where it does not. */
  modelConfig: z.unknown().nullable(),
  host: hostSchema,
  /** Set when execution providers other than the CPU's own ran the model in our engine. */
  assignments: z.array(nodeAssignmentSchema).optional(),
  warnings: z.array(warningSchema),
  levels: z.array(levelRecordSchema),
  /** Set when the run looked for the highest rate under a limit. */
  peak: peakSchema.optional(),
  /** Set by a binary search. */
  searches: z.array(searchSchema).optional(),
  /** Set when the ways of sending were compared. */
  clientComparison: clientComparisonSchema.optional(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;
