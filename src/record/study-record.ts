/** The versioned record of a sweep; the same kind of contract as run-record.ts. */
import { z } from 'zod';
import { hostSchema, levelRecordSchema, warningSchema } from './run-record.js';

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

export const trialRecordSchema = z.object({
  /** `trial-7`, or `default` for the unchanged model. */
  id: z.string(),
  /** The variant measured; several trials (rungs, confirmation) may share one. */
  variantId: z.string(),
  /** Search looks for candidates; only confirmation decides. */
  phase: z.enum(['search', 'confirmation']),
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
});
export type TrialRecord = z.infer<typeof trialRecordSchema>;

export const gainSchema = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

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
});
export type Recommendation = z.infer<typeof recommendationSchema>;

export const studyRecordSchema = z.object({
  schema: z.literal('perf-ts/study@1'),
  id: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  tool: z.object({ version: z.string(), command: z.array(z.string()) }),
  model: z.string(),
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
});
export type StudyRecord = z.infer<typeof studyRecordSchema>;
