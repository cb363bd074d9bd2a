/**
 * A process that outlives the run that started it: when the run ends without having undone what it pushed to a server,
 * be it killed, this undoes it at once. It holds nothing but a channel to the run and the note's place.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerAccess } from '../client/server-admin.js';
import { readNote } from './pushed-config.js';
import { undoNote } from './restore-config.js';

/** What the run says once: certificates and headers are never part of the note, whose path is the argument. */
export interface GuardianOrder {
  readonly access: ServerAccess;
}

const PATIENCE_MS = 15_000;
const RETRY_MS = 1_000;

const [, , notePath = ''] = process.argv;
let access: ServerAccess = {};

process.on('message', (order: GuardianOrder) => {
  access = order.access;
});
// A Ctrl-C of the terminal is the run's to act on.
for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => undefined);
process.once('disconnect', () => void undo());
// A run that ended while this process started has closed the channel already.
if (process.connected !== true) setImmediate(() => void undo());

/** A busy server may not answer at once; what fails for long is left to the next run. */
async function undo(): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (existsSync(notePath) && Date.now() < deadline) {
    const note = await readNote(notePath);
    if (note === undefined) break;
    try {
      await undoNote(note, access);
      break;
    } catch {
      await delay(RETRY_MS);
    }
  }
  process.exit(0);
}
