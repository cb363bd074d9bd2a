/** Why a server does not take tensors from shared memory, and what to do, the same over both protocols. */
import { PerfTsError } from '../common/errors.js';
import { describeCause } from './failure-cause.js';

export const lacksSharedMemory = (endpoint: string): PerfTsError =>
  new PerfTsError('TARGET_REFUSED', {
    where: endpoint,
    what: 'the server does not offer system shared memory',
    hint: "it needs Triton's shared memory extension; leave --shared-memory out",
  });

export function refusedSharedMemory(endpoint: string, details: string): PerfTsError {
  const what = `the server did not take the shared memory: ${describeCause('REFUSED', details).replace(/^REFUSED: /, '')}`;
  const hint = 'it must run on this host, with the same /dev/shm, and be started with client shared memory allowed';
  return new PerfTsError('TARGET_REFUSED', { where: endpoint, what, hint });
}
