/** Variants served by arithmetic instead of a server: a landscape, seeded noise, and a clock that is moved by hand. */
import { PerfTsError } from '../../src/common/errors.js';
import { createRng } from '../../src/common/random.js';
import { type Nanos, nanos, seconds } from '../../src/common/units.js';
import type { LevelRecord, Verdict } from '../../src/record/run-record.js';
import type { LaunchVariant } from '../../src/tune/launchers/launched-variant.js';
import type { VariantParameters } from '../../src/tune/strategies/strategy.js';
import type { Variant } from '../../src/tune/variants/variants.js';
import { concurrencyOf } from './concurrency-of.js';
import type { ManualClock } from './manual-clock.js';

/** What a simulated server answers at some load. */
export interface SimulatedLevel {
  readonly throughputPerSec: number;
  readonly latencyNs?: number;
  readonly verdict?: Verdict;
}

export interface Simulation {
  readonly clock: ManualClock;
  /** Throughput, or a whole level; throws to fail the variant. */
  readonly landscape: (
    parameters: VariantParameters,
    concurrency: number,
    variantId: string,
  ) => number | SimulatedLevel;
  /** Standard deviation of the logarithm of each level's throughput. */
  readonly noise?: number;
  /** What the host does to every variant alike: a factor on the throughput of a level from its start to its end. */
  readonly host?: (fromSeconds: number, toSeconds: number) => number;
  readonly seed?: number;
  readonly startNs?: Nanos;
  readonly stopNs?: Nanos;
  /** Seconds that one variant takes to start, where not `startNs`. */
  readonly slowStart?: (variant: Variant) => number | undefined;
}

export interface SimulatedServers {
  readonly launchVariant: LaunchVariant;
  /** Servers running now. */
  readonly running: () => number;
  readonly launchCount: () => number;
}

export function simulateVariants(simulation: Simulation): SimulatedServers {
  const { clock, noise = 0, startNs = seconds(0.8), stopNs = seconds(0.2) } = simulation;
  const rng = createRng(simulation.seed ?? 1);
  let running = 0;
  let launchCount = 0;
  return {
    running: () => running,
    launchCount: () => launchCount,
    async launchVariant(variant, { signal }) {
      launchCount++;
      running++;
      const slow = simulation.slowStart?.(variant);
      await advanceUntilAborted(clock, slow === undefined ? startNs : seconds(slow), signal);
      let isOpen = true;
      if (signal.aborted) {
        running--;
        throw new PerfTsError('INTERRUPTED', { what: 'stopped while starting' });
      }
      return {
        loadTimeNs: startNs,
        async measure({ load, duration, signal: end }) {
          const found = simulation.landscape(variant.parameters, concurrencyOf(load), variant.id);
          const level = typeof found === 'number' ? { throughputPerSec: found } : found;
          const from = clock.now() / 1e9;
          const host = simulation.host?.(from, from + duration / 1e9) ?? 1;
          const factor = host * Math.exp(noise * rng.normal());
          await advanceUntilAborted(clock, duration, end);
          return simulatedLevel(level, concurrencyOf(load), duration, factor, noise);
        },
        async close() {
          if (!isOpen) return;
          isOpen = false;
          running--;
          clock.advance(stopNs);
        },
      };
    },
  };
}

/** Moves the clock in small steps, as a server that starts slowly would let it pass, until told to stop. */
async function advanceUntilAborted(clock: ManualClock, duration: Nanos, signal: AbortSignal): Promise<void> {
  const step = Math.max(duration / 20, Math.min(duration, 1e8));
  const steps = Math.ceil(duration / Math.min(step, 1e9));
  for (let i = 0; i < steps && !signal.aborted; i++) await clock.advanceAsync(duration / steps);
}

export function simulatedLevel(
  level: SimulatedLevel,
  concurrency: number,
  duration: Nanos,
  factor = 1,
  noise = 0.01,
): LevelRecord {
  const throughput = level.throughputPerSec * factor;
  const latency = (level.latencyNs ?? (concurrency / level.throughputPerSec) * 1e9) / factor;
  const verdict = level.verdict ?? 'VALID';
  const latencies = {
    mean: latency,
    p50: latency,
    p90: latency,
    p95: latency,
    p99: latency,
    p99_9: latency,
    max: latency,
  };
  const none = { mean: null, p50: null, p90: null, p95: null, p99: null, p99_9: null, max: null };
  return {
    load: { kind: 'closed', concurrency, batchSize: 1 },
    verdict,
    isSteady: verdict === 'VALID' || verdict === 'CLIENT_LIMITED',
    isClientLimited: verdict === 'CLIENT_LIMITED',
    warnings: verdict === 'INVALID' ? [{ code: 'ALL_FAILED', message: 'every request failed' }] : [],
    endReason: 'time-over',
    throughputPerSec: { value: throughput, low: throughput * (1 - 2 * noise), high: throughput * (1 + 2 * noise) },
    requestsPerSec: throughput,
    latencyNs: verdict === 'INVALID' ? null : latencies,
    latencyIntervalNs: verdict === 'INVALID' ? null : none,
    serviceNs: verdict === 'INVALID' ? null : latencies,
    sendLagNs: { p50: 1000, p99: 2000, max: 3000 },
    requestCount: Math.round((throughput * duration) / 1e9),
    errorCount: 0,
    errors: {},
    durationNs: nanos(duration),
    warmupNs: 0,
    warmupRequestCount: 0,
    droppedCount: 0,
    delayedCount: 0,
    mismatchCount: null,
    clientCpuNsPerRequest: 20_000,
    server: null,
    latencyParts: null,
    generator: null,
    monitors: null,
    models: [],
    timeline: [],
  };
}
