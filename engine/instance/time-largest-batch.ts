/** How long a session takes for the largest batch that can come. */
import { nowNs } from '../../src/common/clock.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import type { BatchRunner } from './batch-runner.js';
import { createFixedRunner } from './fixed-runner.js';
import { LONGEST_TINY_RUN_NS } from './run-watch.js';
import type { SlotLayout } from './slot-layout.js';

/** The first runs of a number of rows also plan memory. */
const FIRST_RUNS = 3;
const TIMED_RUNS = 15;
/** So many runs beyond this, and it is no tiny model, however cold and however often it was interrupted. */
const HOPELESS_NS = 20 * LONGEST_TINY_RUN_NS;
const HOPELESS_RUNS = 3;
/** One is enough beyond this. */
const FAR_TOO_LONG_NS = 20 * HOPELESS_NS;

/**
 * Nanoseconds, the median of some runs over zeros; undefined as soon as it is clear that a run takes longer than a tiny
 * model's may, so that large models are not held up.
 * @throws OrtError when the model does not run over zeros.
 */
export function timeLargestBatch(session: OrtSession, layout: SlotLayout): number | undefined {
  const runner = createFixedRunner(session, layout);
  const memory = new Uint8Array(new SharedArrayBuffer(layout.totalBytes));
  try {
    for (const rows of new Set([1, layout.maxRows])) {
      const runNs = timeRuns(runner, rows, memory);
      if (runNs === undefined || rows === layout.maxRows) return runNs;
    }
    return undefined;
  } finally {
    runner.close();
  }
}

function timeRuns(runner: BatchRunner, rows: number, memory: Uint8Array): number | undefined {
  const durations: number[] = [];
  let hopelessRuns = 0;
  let longRuns = 0;
  for (let run = 0; run < FIRST_RUNS + TIMED_RUNS; run++) {
    const startNs = nowNs();
    runner.run(0, rows, memory);
    const runNs = nowNs() - startNs;
    if (runNs > HOPELESS_NS) hopelessRuns++;
    if (runNs > FAR_TOO_LONG_NS || hopelessRuns === HOPELESS_RUNS) return undefined;
    if (run < FIRST_RUNS) continue;
    durations.push(runNs);
    if (runNs > LONGEST_TINY_RUN_NS) longRuns++;
    // The median is one of them.
    if (longRuns > TIMED_RUNS >> 1) return undefined;
  }
  return durations.sort((a, b) => a - b)[TIMED_RUNS >> 1]!;
}
