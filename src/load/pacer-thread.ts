/** Entry of the sleeping thread of a pacer: sleeps until the instant it is given, says so, and waits for the next. */
import { workerData } from 'node:worker_threads';
import { nowNs } from '../common/clock.js';
import type { Nanos } from '../common/units.js';
import { toMillis } from '../common/units.js';
import { PacerCell, type PacerStart } from './pacer.js';

const { cell: buffer, port } = workerData as PacerStart;
const cell = new PacerCell(buffer);
let servedTurn = 0;
for (;;) {
  const turn = Atomics.load(cell.turn, 0);
  if (turn === -1) break;
  if (turn === servedTurn) {
    Atomics.wait(cell.turn, 0, turn);
    continue;
  }
  const waitMs = toMillis((cell.wakeNs[0]! - nowNs()) as Nanos);
  // Woken before its time it looks again: there is another instant, or the end.
  if (waitMs > 0 && Atomics.wait(cell.turn, 0, turn, waitMs) !== 'timed-out') continue;
  servedTurn = turn;
  port.postMessage(undefined);
}
port.close();
