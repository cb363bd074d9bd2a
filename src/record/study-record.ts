/** The versioned record of a sweep; the same kind of contract as run-record.ts. */
import { z } from 'zod';
import { hostSchema } from './host-record.js';
import { levelRecordSchema, warningSchema } from './run-record.js';

const ns = z.number().nonnegative();

export const configChangeSchema = z.object({
  /** Such as `instance_group[0].count`. */
  path: z.string(),
  from: z.unknown(),
  to: z.unknown(),
});
export type ConfigChange = z.infer<typeof configChangeSchema>;

export const trialStateSchema = z.enum(['complete', 'infeasible', 'failed', 'pruned']);
export type TrialState = z.infer<typeof trialStateSchema>;

/**
 * What stood behind a trial that is not complete: the server refused to load it, ran out of memory or crashed; requests
 * failed; its answers differ too much; it misses another limit; it took too long; or it could not win any more.
 */
export const trialCauseSchema = z.enum([
  'load_refused',
  'out_of_memory',
  'crash',
  'requests_failed',
  'accuracy',
  'constraint',
  'timeout',
  'early_abort',
  'unknown',
]);
export type TrialCause = z.infer<typeof trialCauseSchema>;

/** A variant's answers against the unchanged model's on the CPU in FP32; the worst of all outputs, null where there is no such number. */
export const trialAccuracySchema = z.object({
  sampleCount: z.number().int().nonnegative(),
  cosine: z.number().nullable(),
  /** Largest |variant - reference|; null also when the variant has a NaN or infinity that the reference lacks. */
  maxAbs: z.number().nullable(),
  /** Shares of rows, 0 to 1. */
  top1: z.number().nullable(),
  top5: z.number().nullable(),
  /** Character error rate of decoded text. */
  cer: z.number().nullable(),
  /** Values that are NaN or infinite where the reference is not. */
  nonFiniteCount: z.number().int().nonnegative(),
});
export type TrialAccuracy = z.infer<typeof trialAccuracySchema>;

export const trialRecordSchema = z.object({
  /** `trial-7`, or `default` for the unchanged model. */
  id: z.string(),
  /** The variant measured; several trials (rungs, confirmation) may share one. */
  variantId: z.string(),
  /** Search looks for candidates; only confirmation decides; what won is then measured at the default's load too. */
  phase: z.enum(['search', 'confirmation', 'equal_load']),
  state: trialStateSchema,
  /** Knob values by knob name. */
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** In the objective's unit; null unless complete. */
  score: z.number().nullable(),
  /** Whole trial: start, load, measure, stop. */
  durationNs: ns,
  loadTimeNs: ns.nullable(),
  /** Why it is not complete, or what deserves notice. */
  reason: z.string().nullable(),
  /** The level the score comes from; null when none was measured. */
  level: levelRecordSchema.nullable(),
  /** Since the study began; a resumed study's clock goes on from the time used before. The fields from here on are absent in older records. */
  startedNs: ns.optional(),
  /** Time in levels; the rest of `durationNs` is starting, loading, comparing answers and stopping. */
  measuredNs: ns.optional(),
  /** What one inference takes with nothing beside it, of a model so slow that its levels are counts of requests. */
  inferenceNs: ns.optional(),
  /** Length of the measurement in search levels; longer for a variant that may be the best. */
  effort: z.number().positive().optional(),
  /** Of a confirmation trial: its round, from 0, and how many trials that round has; all of a round get the same requests. */
  round: z.number().int().nonnegative().optional(),
  roundSize: z.number().int().positive().optional(),
  /** The server's memory at the end of the level (resident set; of the devices too where they are watched), or null. */
  memoryBytes: ns.nullable().optional(),
  /** Set where answers were compared: variants whose precision differs, or under a limit on accuracy. */
  accuracy: trialAccuracySchema.optional(),
  /** Set unless complete. */
  cause: trialCauseSchema.optional(),
  /** True where the load generator was the limit: the score is a lower bound and decides nothing. */
  isLowerBound: z.boolean().optional(),
  /** Of the search, but not proposed by the strategy: the default measured beside others, or a variant that is looked at again. */
  isUnasked: z.boolean().optional(),
});
export type TrialRecord = z.infer<typeof trialRecordSchema>;

export const gainSchema = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

const boundsFields = { low: z.number(), high: z.number() };

/** What the study meant to do with its budget, as it was told before the first trial. */
export const studyPlanSchema = z.object({
  /** Time for the default and the search, and for confirmation; together the budget. */
  searchNs: ns,
  confirmationNs: ns,
  /** Longest time of a level in the search. */
  levelNs: ns,
  /** Search trials that are expected to fit, the default's included. */
  expectedTrials: z.number().int().nonnegative(),
  /** Variants of the space beside the default; null where they are too many to count. */
  variantCount: z.number().int().nonnegative().nullable(),
  /** Finalists and rounds that confirmation has time for. */
  finalists: z.number().int().nonnegative(),
  rounds: z.number().int().nonnegative(),
  /** What the budget is too small for, as sentences. */
  leftOut: z.array(z.string()),
});
export type StudyPlan = z.infer<typeof studyPlanSchema>;

/** What confirmation said of one finalist. */
export const finalistRecordSchema = z.object({
  variantId: z.string(),
  /** Over the default in paired rounds; null with fewer than two pairs that compare. */
  gain: gainSchema.nullable(),
  /** Why it cannot be recommended; null when it could. */
  objection: z.string().nullable(),
  /** Largest of its confirmation trials; null where it is not known. */
  memoryBytes: ns.nullable(),
});
export type FinalistRecord = z.infer<typeof finalistRecordSchema>;

/** Where the variants were served. */
export const studyServerSchema = z.object({
  /** Our engine, a fresh process a trial; a running server that variants are pushed to; a local tritonserver. */
  kind: z.enum(['engine', 'remote', 'local']),
  /** Name and version as the server tells them, or the engine's library. */
  name: z.string().optional(),
  version: z.string().optional(),
  endpoint: z.string().optional(),
});
export type StudyServer = z.infer<typeof studyServerSchema>;

export const recommendationSchema = z.object({
  id: z.string(),
  configPbtxt: z.string(),
  changes: z.array(configChangeSchema),
  /** Ratio to the default with its 95 % interval: 1.42 is 42 % better. */
  gain: gainSchema,
  /** Unified diff against the default's config.pbtxt. */
  diff: z.string(),
  /** Flags that the server needs beside it; absent in records of before they were kept. */
  serverFlags: z.array(z.string()).optional(),
  /** `precision: fp16` is a converted model file. */
  precision: z.enum(['fp32', 'fp16']).optional(),
  /**
   * Set where several models were tuned together: each one's own. `configPbtxt` above is then all of them in one text,
   * `diff` that of all files, and paths of changes begin with the model's name.
   */
  models: z
    .array(z.object({ name: z.string(), configPbtxt: z.string(), precision: z.enum(['fp32', 'fp16']).optional() }))
    .optional(),
});
export type Recommendation = z.infer<typeof recommendationSchema>;

const p99Schema = z.object({ default: ns.nullable(), recommended: ns.nullable() });

/** The answer of a study. A gain is a ratio to the default: 1.42 is 42% better. */
export const conclusionSchema = z.object({
  kind: z.enum(['better', 'not_better', 'could_not_tell']),
  /** Why it could not be told. */
  cause: z
    .enum([
      'nothing_tried',
      'nothing_worked',
      'nothing_confirmed',
      'too_few_rounds',
      'too_noisy',
      'generator_limited',
      'host_busy',
      'default_failed',
      'interrupted',
    ])
    .optional(),
  /** The one that every report shows. */
  sentence: z.string(),
  /** What to do, or what to know beside it; may be empty. */
  advice: z.string(),
  /** Of `not_better`: a larger gain is excluded. */
  atMostGain: z.number().optional(),
  /** Medians of the confirmation rounds. */
  p99Ns: p99Schema.optional(),
  /** Both at the load of the default, where the recommended variant has another. */
  equalLoad: z.object({ concurrency: z.number(), gain: z.number(), p99Ns: p99Schema }).optional(),
  /** Other proven variants with nearly as much at a fraction of the p99 or with fewer changes; `share` is of the recommended one's. */
  beside: z
    .array(z.object({ variantId: z.string(), share: z.number(), p99Ns: ns.nullable(), changeCount: z.number() }))
    .optional(),
});
export type Conclusion = z.infer<typeof conclusionSchema>;

export const studyRecordSchema = z.object({
  schema: z.literal('perf-ts/study@1'),
  id: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  tool: z.object({ version: z.string(), command: z.array(z.string()) }),
  /** Several that were tuned together are joined by `+`. */
  model: z.string(),
  /** Those models, with their shares of the requests. */
  models: z.array(z.object({ name: z.string(), weight: z.number().positive() })).optional(),
  directory: z.string(),
  state: z.enum(['complete', 'interrupted', 'failed']),
  seed: z.number(),
  strategy: z.string(),
  objective: z.object({ metric: z.string(), direction: z.enum(['maximize', 'minimize']) }),
  budgetNs: ns,
  host: hostSchema,
  isDemoModel: z.boolean(),
  warnings: z.array(warningSchema),
  default: z.object({ id: z.literal('default'), score: z.number().nullable(), configPbtxt: z.string() }),
  /** `portable` is null when nothing proved better than the default. */
  recommended: z.object({ portable: recommendationSchema.nullable(), engine: recommendationSchema.nullable() }),
  trials: z.array(trialRecordSchema),
  /** The trade-offs between several metrics, one point a variant that kept the constraints. */
  pareto: z
    .object({
      metrics: z.array(z.object({ metric: z.string(), direction: z.enum(['maximize', 'minimize']) })),
      points: z.array(
        z.object({ variantId: z.string(), values: z.record(z.string(), z.number()), isOnFront: z.boolean() }),
      ),
    })
    .optional(),
  /** Limits as they were written. The fields from here on are absent in older records. */
  constraints: z.array(z.string()).optional(),
  plan: studyPlanSchema.optional(),
  /** Time that counted against the budget, that of earlier parts of a resumed study included. */
  usedNs: ns.optional(),
  /** How often the study was resumed; absent for one that never was. */
  resumed: z.number().int().positive().optional(),
  server: studyServerSchema.optional(),
  conclusion: conclusionSchema.optional(),
  /** The finalists in the order in which they were chosen. */
  confirmed: z.array(finalistRecordSchema).optional(),
  /** By falling share: which part of the score's variance over the space a knob explains by itself, 0 to 1, with a 95 % interval. */
  importance: z.array(z.object({ knob: z.string(), share: z.number(), ...boundsFields })).optional(),
  /**
   * Per knob, in the order of `importance`, and per value: the objective over that at the default's value, the other
   * knobs averaged out (1.2 is 20 % better, in either direction of the objective), with a 95 % interval and the number of
   * complete search trials that had the value.
   */
  mainEffects: z
    .array(
      z.object({
        knob: z.string(),
        values: z.array(
          z.object({
            value: z.union([z.string(), z.number(), z.boolean()]),
            gain: z.number(),
            ...boundsFields,
            count: z.number().int().nonnegative(),
          }),
        ),
      }),
    )
    .optional(),
  /** Each time a search trial beat all before it, the default first: when it ended, since the study began, and its score. */
  bestSoFar: z.array(z.object({ elapsedNs: ns, trialId: z.string(), score: z.number() })).optional(),
  /** What a search that went on could still be expected to gain, as a share; absent where the strategy cannot tell. */
  remainingGain: z.number().nonnegative().optional(),
});
export type StudyRecord = z.infer<typeof studyRecordSchema>;
