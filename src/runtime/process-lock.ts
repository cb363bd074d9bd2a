/** The lock on the installed runtimes, told as a fault of theirs. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { describeHolder, tryLock } from '../common/process-lock.js';
import { unwritableData } from './data-fault.js';

/**
 * Takes the lock and answers how to give it back.
 * @throws PerfTsError RUNTIME_UNUSABLE, with `what`, when another process holds it.
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  const outcome = await mkdir(dirname(path), { recursive: true })
    .then(() => tryLock(path))
    .catch((cause: unknown) => {
      throw unwritableData(path, cause);
    });
  if (outcome.state === 'taken') return outcome.release;
  throw new PerfTsError('RUNTIME_UNUSABLE', {
    what: `${what}: ${describeHolder(outcome.holder)} is at it`,
    where: path,
    hint: 'wait until it has ended, then try again',
  });
}
