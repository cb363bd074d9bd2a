/** How long the end of a level waits for responses that are still under way. */
import { millis, type Nanos, nanos } from '../common/units.js';
import type { RequestLog } from './request-log.js';

/** A drain waits at least this long, and up to twice the slowest response so far. */
const MIN_DRAIN = millis(5000);

export const drainLimit = (logs: readonly RequestLog[]): Nanos =>
  nanos(Math.max(MIN_DRAIN, ...logs.map(({ slowestServiceNs }) => 2 * slowestServiceNs)));
