/** Runs the real load workers against a null server, one rate at a time. */
import { outcomeCodes } from '../client/outcome.js';
import { systemClock } from '../common/clock.js';
import { instant, seconds } from '../common/units.js';
import type { LoadWorkerPool } from '../load/load-session.js';
import { sliceColumns } from '../load/request-columns.js';
import { percentileOf, sortSamples } from '../measure/statistics/percentile.js';
import type { OpenLevel } from '../plan/load-plan.js';
import type { ProbeFigures, ProbeRate } from './find-ceiling.js';

/** Cut from the start of each probe. */
const LEAD = seconds(0.2);
const PROBE = seconds(1);
/** Memory that unanswered requests may hold. */
const IN_FLIGHT_BYTES = 64 * 2 ** 20;
const MAX_IN_FLIGHT = 2048;
const SEED = 1;

export interface ProbeOptions {
  readonly pool: LoadWorkerPool;
  readonly requestBytes: number;
  readonly batchSize: number;
  readonly signal: AbortSignal;
}

/** Rejects with what the load workers do, and stops between probes when `signal` aborts. */
export function createProbe({ pool, requestBytes, batchSize, signal }: ProbeOptions): ProbeRate {
  const maxInFlight = Math.max(64, Math.min(MAX_IN_FLIGHT, Math.floor(IN_FLIGHT_BYTES / Math.max(1, requestBytes))));
  return async (requestRatePerSec) => {
    signal.throwIfAborted();
    const level: OpenLevel = {
      kind: 'open',
      requestRatePerSec,
      arrival: { kind: 'constant' },
      maxInFlight,
      seed: SEED,
      batchSize,
    };
    const run = await pool.startLevel(level);
    const begin = run.begin ?? systemClock.now();
    await systemClock.sleep(seconds((begin - systemClock.now() + LEAD + PROBE) / 1e9), signal);
    const usage = run.usage();
    const end = systemClock.now();
    await run.stop();
    const from = instant(begin + LEAD);
    const rows = sliceColumns(run.columns(), from, end);
    const lags = new Float64Array(rows.length);
    const latencies = new Float64Array(rows.length);
    let count = 0;
    for (let row = 0; row < rows.length; row++) {
      if (rows.outcomes[row] !== outcomeCodes.ok || rows.intendedNs[row]! < from) continue;
      lags[count] = rows.sentNs[row]! - rows.intendedNs[row]!;
      latencies[count++] = rows.receivedNs[row]! - rows.intendedNs[row]!;
    }
    const busyRatio = usage.generator?.busyRatio ?? usage.maxBusyRatio;
    const due = (requestRatePerSec * (end - from)) / 1e9;
    return summarize(lags.subarray(0, count), latencies.subarray(0, count), busyRatio, due);
  };
}

function summarize(lags: Float64Array, latencies: Float64Array, busyRatio: number, due: number): ProbeFigures {
  if (latencies.length === 0) {
    return { sendLagP99Ns: Infinity, busyRatio, answeredRatio: 0, latencyP50Ns: Infinity, latencyP99Ns: Infinity };
  }
  const ordered = sortSamples(latencies);
  return {
    sendLagP99Ns: percentileOf(sortSamples(lags), 99),
    busyRatio,
    // The last few are still under way at the end of any probe.
    answeredRatio: (latencies.length + 2) / due,
    latencyP50Ns: percentileOf(ordered, 50),
    latencyP99Ns: percentileOf(ordered, 99),
  };
}
