/** The answer of a binary search, as kept in a run's record. */
import { z } from 'zod';

/** What a binary search over a range of levels came to; one for each batch size and shape. */
export const searchSchema = z.object({
  load: z.enum(['concurrency', 'request_rate']),
  batchSize: z.number().int().nonnegative(),
  shapes: z.string().optional(),
  latencyLimitNs: z.number().nonnegative().nullable(),
  /** What was held against the limit, such as `latency_p99`. */
  metric: z.string(),
  start: z.number(),
  end: z.number(),
  step: z.number(),
  /** `all-hold`: the end too; `none-holds`: not even the start; `undecided`: a level that was not steady could be either. */
  result: z.enum(['found', 'all-hold', 'none-holds', 'undecided', 'interrupted']),
  highestHeld: z.number().nullable(),
  lowestFailed: z.number().nullable(),
  /** Levels that could be either. */
  unsteady: z.array(z.number()),
});
export type SearchRecord = z.infer<typeof searchSchema>;
