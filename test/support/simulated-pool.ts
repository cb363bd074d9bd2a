/**
 * Load workers on a server that exists only as arithmetic: a closed or open loop over some parallel servers with a
 * common queue, scripted service times and outcomes, on a ManualClock. Every row is known exactly.
 */
import { type OutcomeCode, outcomeCodes } from '../../src/client/outcome.js';
import type { Clock } from '../../src/common/clock.js';
import { shareSchedule } from '../../src/load/arrival-schedule.js';
import type { LevelRun, LoadWorkerPool, WorkerUsage } from '../../src/load/load-session.js';
import type { RequestColumns } from '../../src/load/request-columns.js';
import type { LoadLevel, OpenLevel } from '../../src/plan/load-plan.js';

export interface SimulatedServer {
  /** Service time in nanoseconds of request `index`, started at `startNs` after the level's begin. */
  readonly serviceNs: (index: number, startNs: number) => number;
  /** Requests served at once; default 1. */
  readonly parallel?: number;
  readonly outcome?: (index: number) => OutcomeCode;
  /** From intended start to send; default 0. */
  readonly sendLagNs?: (index: number) => number;
  /** Longest level that may be asked for; default 60 s. */
  readonly horizonNs?: number;
  readonly usage?: Partial<WorkerUsage>;
}

export interface SimulatedPool extends LoadWorkerPool {
  readonly started: readonly LoadLevel[];
  /** Levels that were stopped. */
  readonly stopCount: () => number;
}

export function createSimulatedPool(clock: Clock, server: SimulatedServer): SimulatedPool {
  const started: LoadLevel[] = [];
  let stops = 0;
  return {
    started,
    stopCount: () => stops,
    startLevel(level) {
      started.push(level);
      return Promise.resolve(simulateLevel(clock, server, level, () => stops++));
    },
    close: () => Promise.resolve(),
  };
}

function simulateLevel(clock: Clock, server: SimulatedServer, level: LoadLevel, onStop: () => void): LevelRun {
  const begin = clock.now();
  const { rows, droppedCount } =
    level.kind === 'open'
      ? simulateArrivals(server, level, begin)
      : { rows: simulateRows(server, level.concurrency, begin, level.requestCount), droppedCount: 0 };
  let stoppedAt = Infinity;
  const columns = (): RequestColumns => {
    // A drained level has everything that was sent before it stopped, whenever it ended.
    if (stoppedAt < Infinity) return keep(rows, (row) => rows.intendedNs[row]! < stoppedAt);
    const length = rows.receivedNs.findIndex((received) => received > clock.now());
    return prefix(rows, length === -1 ? rows.length : length);
  };
  return {
    ...(level.kind === 'open' && { begin }),
    arrivals: () => ({ droppedCount, delayedCount: 0 }),
    isFinished: () => rows.length > 0 && rows.receivedNs.at(-1)! <= clock.now(),
    columns,
    errors() {
      const failed = columns().outcomes.filter((outcome) => outcome !== outcomeCodes.ok).length;
      return failed === 0 ? {} : { 'UNAVAILABLE: scripted': failed };
    },
    usage: () => ({ cpuNs: 1e6, maxBusyRatio: 0.1, ...server.usage }),
    stop() {
      stoppedAt = clock.now();
      onStop();
      return Promise.resolve();
    },
  };
}

/** All rows up to the horizon, in order of receipt. */
export function simulateRows(
  server: SimulatedServer,
  concurrency: number,
  begin: number,
  requestCount = Infinity,
): RequestColumns {
  const horizon = server.horizonNs ?? 60e9;
  const freeAt = new Array<number>(server.parallel ?? 1).fill(0);
  const slots = new Array<number>(concurrency).fill(0);
  const rows: SimulatedRow[] = [];
  for (let index = 0; index < requestCount; index++) {
    const slot = indexOfLeast(slots);
    const intended = slots[slot]!;
    if (intended > horizon) break;
    const sent = intended + (server.sendLagNs?.(index) ?? 0);
    const worker = indexOfLeast(freeAt);
    const start = Math.max(sent, freeAt[worker]!);
    const received = Math.round(start + server.serviceNs(index, start));
    freeAt[worker] = received;
    slots[slot] = received;
    rows.push({ intended, sent, received, outcome: server.outcome?.(index) ?? outcomeCodes.ok });
  }
  return toColumns(rows, begin);
}

interface SimulatedRow {
  readonly intended: number;
  readonly sent: number;
  readonly received: number;
  readonly outcome: OutcomeCode;
}

/** An open loop: every arrival of the level's own schedule is sent when it is due, unless too many are in flight. */
function simulateArrivals(
  server: SimulatedServer,
  level: OpenLevel,
  begin: number,
): { readonly rows: RequestColumns; readonly droppedCount: number } {
  const horizon = server.horizonNs ?? 60e9;
  const schedule = shareSchedule(level, 0, 1);
  const freeAt = new Array<number>(server.parallel ?? 1).fill(0);
  const rows: SimulatedRow[] = [];
  // With one queue the oldest answer is not always the first, but near enough to bound what is in flight.
  let answered = 0;
  let droppedCount = 0;
  for (let intended = Math.round(schedule.next()); intended <= horizon; intended = Math.round(schedule.next())) {
    while (answered < rows.length && rows[answered]!.received <= intended) answered++;
    if (rows.length - answered >= level.maxInFlight) {
      droppedCount++;
      continue;
    }
    const worker = indexOfLeast(freeAt);
    const sent = intended + (server.sendLagNs?.(rows.length) ?? 0);
    const start = Math.max(sent, freeAt[worker]!);
    const received = Math.round(start + server.serviceNs(rows.length, start));
    freeAt[worker] = received;
    rows.push({ intended, sent, received, outcome: server.outcome?.(rows.length) ?? outcomeCodes.ok });
  }
  return { rows: toColumns(rows, begin), droppedCount };
}

function toColumns(rows: SimulatedRow[], begin: number): RequestColumns {
  rows.sort((a, b) => a.received - b.received);
  return {
    length: rows.length,
    intendedNs: Float64Array.from(rows, (row) => begin + row.intended),
    sentNs: Float64Array.from(rows, (row) => begin + row.sent),
    receivedNs: Float64Array.from(rows, (row) => begin + row.received),
    outcomes: Uint8Array.from(rows, (row) => row.outcome),
  };
}

function indexOfLeast(values: readonly number[]): number {
  let least = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[least]!) least = i;
  return least;
}

export function prefix(rows: RequestColumns, length: number): RequestColumns {
  return {
    length,
    intendedNs: rows.intendedNs.subarray(0, length),
    sentNs: rows.sentNs.subarray(0, length),
    receivedNs: rows.receivedNs.subarray(0, length),
    outcomes: rows.outcomes.subarray(0, length),
  };
}

function keep(rows: RequestColumns, isKept: (row: number) => boolean): RequestColumns {
  const kept = Array.from({ length: rows.length }, (_, row) => row).filter(isKept);
  const pick = (column: Float64Array): Float64Array => Float64Array.from(kept, (row) => column[row]!);
  return {
    length: kept.length,
    intendedNs: pick(rows.intendedNs),
    sentNs: pick(rows.sentNs),
    receivedNs: pick(rows.receivedNs),
    outcomes: Uint8Array.from(kept, (row) => rows.outcomes[row]!),
  };
}
