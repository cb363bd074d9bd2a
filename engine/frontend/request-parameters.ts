/** The parameters of a request that the scheduler looks at, checked as Triton's front ends check them. */
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { RequestParameters } from '../../src/kserve/tensor.js';

/** The `priority` parameter, 0 when there is none. Throws ProtocolError INVALID_ARGUMENT for what is not a priority. */
export function readPriority(parameters: RequestParameters | undefined): number {
  const value = parameters?.priority;
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError("invalid value type for 'priority' parameter, expected int64_param or uint64_param.");
  }
  if (value < 0) throw new ProtocolError("invalid value for 'priority', expected value >= 0.");
  return value;
}

/**
 * The `timeout` parameter in microseconds, 0 when there is none. Triton reads a negative one as an unsigned number,
 * which is a timeout of ages: it never is the shorter one. Throws ProtocolError INVALID_ARGUMENT for what is no number.
 */
export function readTimeoutUs(parameters: RequestParameters | undefined): number {
  const value = parameters?.timeout;
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError("invalid value type for 'timeout' parameter, expected int64_param.");
  }
  return Math.max(0, value);
}
