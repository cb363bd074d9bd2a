/** Whether a process is there, by its number. */
import { systemCodeOf } from './errors.js';

/** True also for a process that is not ours to signal. Numbers come up again: a later process of the same one counts. */
export function processExists(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (thrown) {
    return systemCodeOf(thrown) === 'EPERM';
  }
}
