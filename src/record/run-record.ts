/**
 * The versioned record of a measuring run: what measuring hands to reports, gates and the tuner. The names are a
 * contract with scripts (`--json`, `run.json`): fields may be added, those here stay. Times are nanoseconds, rates per second.
 */
import { z } from 'zod';

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

const closedLoadSchema = z.object({
  kind: z.literal('closed'),
  concurrency: z.number().int().positive(),
  batchSize: z.number().int().positive(),
});

export const latencySchema = z.object({ mean: ns, p50: ns, p90: ns, p95: ns, p99: ns, p99_9: ns, max: ns });
export type LatencySummary = z.infer<typeof latencySchema>;

export const latencyIntervalSchema = z.object({
  mean: intervalSchema,
  p50: intervalSchema,
  p90: intervalSchema,
  p95: intervalSchema,
  p99: intervalSchema,
});
export type LatencyIntervals = z.infer<typeof latencyIntervalSchema>;

/** Server-side averages a request over the level, from the server's statistics; counts are over the whole level. */
export const serverTimesSchema = z.object({
  queueNs: ns,
  computeInputNs: ns,
  computeInferNs: ns,
  computeOutputNs: ns,
  inferenceCount: count,
  executionCount: count,
});
export type ServerTimes = z.infer<typeof serverTimesSchema>;

/** Why a level stopped. */
export const endReasonSchema = z.enum(['target-met', 'time-over', 'interrupted', 'failed']);
export type EndReason = z.infer<typeof endReasonSchema>;

export const levelRecordSchema = z.object({
  load: closedLoadSchema,
  verdict: verdictSchema,
  /** Reasons for a verdict other than VALID, and anything else a reader must know. */
  warnings: z.array(warningSchema),
  endReason: endReasonSchema,
  /** Inferences a second: requests times batch size. */
  throughputPerSec: estimateSchema,
  requestsPerSec: z.number().nonnegative(),
  /** From the intended start; null when no request succeeded. */
  latencyNs: latencySchema.nullable(),
  latencyIntervalNs: latencyIntervalSchema.nullable(),
  /** From the send instant. */
  serviceNs: latencySchema.nullable(),
  sendLagNs: z.object({ p50: ns, p99: ns, max: ns }).nullable(),
  /** Successful requests in the measured window, after warm-up. */
  requestCount: count,
  errorCount: count,
  /** Failed requests by cause. */
  errors: z.record(z.string(), count),
  /** Measured window, after warm-up. */
  durationNs: ns,
  /** Cut from the start. */
  warmupNs: ns,
  warmupRequestCount: count,
  clientCpuNsPerRequest: ns.nullable(),
  /** Null where the server offers no statistics. */
  server: serverTimesSchema.nullable(),
  /** Throughput a slice of the window (inferences a second) and mean latency, for the time plot. */
  timeline: z.array(z.object({ startNs: ns, throughputPerSec: z.number(), latencyMeanNs: ns.nullable() })),
});
export type LevelRecord = z.infer<typeof levelRecordSchema>;

export const hostSchema = z.object({
  os: z.string(),
  cpu: z.string(),
  cpuCount: count,
  memoryBytes: count,
  node: z.string(),
});

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
    kind: z.enum(['embedded', 'remote']),
    endpoint: z.string(),
    protocol: z.enum(['grpc', 'http']),
    server: z.object({ name: z.string(), version: z.string() }).nullable(),
    /** True when the model is the zoo's, with random weights. */
    isDemoModel: z.boolean(),
  }),
  /** The whole LoadPlan: what would repeat this run. */
  plan: z.unknown(),
  /** As the server reported it; null where it does not. */
  modelConfig: z.unknown().nullable(),
  host: hostSchema,
  warnings: z.array(warningSchema),
  levels: z.array(levelRecordSchema),
});
export type RunRecord = z.infer<typeof runRecordSchema>;
