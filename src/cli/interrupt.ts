/** Ctrl-C: the first asks the command to stop and keep what it has; the second ends the process at once. */
import { exitCodes } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface Interrupts {
  readonly signal: AbortSignal;
  close(): void;
}

const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function catchInterrupts(terminal: Terminal): Interrupts {
  const controller = new AbortController();
  // An engine started by another perf-ts shares its terminal; that perf-ts gets the Ctrl-C and decides when the engine stops.
  const isChild = process.send !== undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (isChild && name === 'SIGINT') return;
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    if (!isChild) terminal.say('\nStopping (Ctrl-C again ends at once).');
    controller.abort();
  };
  for (const name of watched) process.on(name, onSignal);
  return {
    signal: controller.signal,
    close() {
      for (const name of watched) process.off(name, onSignal);
    },
  };
}
