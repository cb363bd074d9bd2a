/** One process at a time writes a study: a lock file in its folder, from before its journal is read to its end. */
import { join } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { describeHolder, isVisibleHolder, tryLock } from '../common/process-lock.js';
import { unwritable } from './atomic-file.js';

export const LOCK_FILE = 'study.lock';

/** Gives the lock back; safe to call twice. */
export type ReleaseStudy = () => Promise<void>;

/**
 * Throws PerfTsError BAD_OPTION where someone else may still be running the study, with what to do where only a person
 * can know that; OUTPUT_UNWRITABLE where the folder takes no file.
 */
export async function lockStudy(folder: string): Promise<ReleaseStudy> {
  const path = join(folder, LOCK_FILE);
  const outcome = await tryLock(path).catch((cause: unknown) => {
    throw unwritable('cannot lock the study', path, cause);
  });
  if (outcome.state === 'taken') return outcome.release;
  const { holder } = outcome;
  throw new PerfTsError('BAD_OPTION', {
    where: '--resume',
    what: `${folder} is still being run by ${describeHolder(holder)}`,
    hint: isVisibleHolder(holder)
      ? 'wait for its end, or stop it first'
      : `whether it still runs cannot be seen from here; if you are sure that it has ended, delete ${path} and resume again`,
  });
}
