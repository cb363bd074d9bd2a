/**
 * Writes that must not take anything else with them: each fault is remembered and told, and whoever wrote goes on with
 * what there is.
 */
import { messageOf } from './errors.js';
import { environmentFault } from './system-faults.js';

/** A PerfTsError where the machine is at fault, and otherwise the bug itself. */
export const toFault = (thrown: unknown): Error =>
  environmentFault(thrown) ?? (thrown instanceof Error ? thrown : new Error(messageOf(thrown)));

export interface KeptWrites {
  /** What could not be written, each fault once. */
  readonly faults: readonly Error[];
  /** Runs `write`; its fault is remembered and told, never thrown. False where it failed. */
  attempt(write: () => Promise<unknown>): Promise<boolean>;
}

export function keepWrites(onFault: (fault: Error) => void): KeptWrites {
  const faults: Error[] = [];
  return {
    faults,
    async attempt(write) {
      try {
        await write();
        return true;
      } catch (thrown) {
        const fault = toFault(thrown);
        // A full disk fails every write, and says the same each time.
        if (!faults.some(({ message }) => message === fault.message)) {
          faults.push(fault);
          onFault(fault);
        }
        return false;
      }
    },
  };
}
