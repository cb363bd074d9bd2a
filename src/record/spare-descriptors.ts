/**
 * A few file descriptors held back for the record, so that it can be written although the load has used up all others.
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { systemCodeOf } from '../common/errors.js';

/** A file, its folder, and some to lose to a load that connects anew in the same moment. */
const SPARE_COUNT = 8;
const TRIES = 5;
const PAUSE_MS = 20;

const spare: number[] = [];

/** To be called before the load; does nothing where descriptors are held already, or none can be had. */
export function holdSpareDescriptors(): void {
  try {
    while (spare.length < SPARE_COUNT) spare.push(openSync(devNull, 'r'));
  } catch {
    // What could be had must do.
  }
}

function releaseSpareDescriptors(): void {
  for (const descriptor of spare.splice(0)) closeSync(descriptor);
}

/** Runs `write`, which opens files; where no descriptor was left, again with the spare ones. */
export async function withSpareDescriptors<T>(write: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      const written = await write();
      if (tried > 1) holdSpareDescriptors();
      return written;
    } catch (thrown) {
      const code = systemCodeOf(thrown);
      if ((code !== 'EMFILE' && code !== 'ENFILE') || tried > TRIES) throw thrown;
      releaseSpareDescriptors();
      if (tried > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tried));
    }
  }
}
