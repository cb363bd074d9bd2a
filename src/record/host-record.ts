/** The host of a run or a sweep, as kept in its record. */
import { z } from 'zod';

const count = z.number().int().nonnegative();

export const hostSchema = z.object({
  os: z.string(),
  cpu: z.string(),
  cpuCount: count,
  memoryBytes: count,
  node: z.string(),
});
