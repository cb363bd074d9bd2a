/**
 * How close a load worker is to its own limits: busy slices, pauses of the garbage collector, and how long its event loop
 * leaves what has happened unseen. Written by the worker into shared memory, read by the main thread at any time.
 */
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import type { ClientTimes } from '../client/infer-client.js';
import { nowNs } from '../common/clock.js';
import { NANOS_PER_MILLI } from '../common/units.js';
import {
  type Beat,
  commonStandstills,
  readStandstills,
  STANDSTILL_CELLS,
  type Standstill,
  StandstillLog,
} from './standstills.js';
import { type Scheduling, schedulings } from './thread-priority.js';

const SLICE_MS = 100;
/** A slice in which the worker was busy for more than this share counts as busy. */
const BUSY_SHARE = 0.8;
const DELAY_RESOLUTION_MS = 10;

const fields = {
  wallNs: 0,
  busyNs: 1,
  sliceCount: 2,
  busySliceCount: 3,
  gcPauseNs: 4,
  gcMaxPauseNs: 5,
  loopDelayP99Ns: 6,
  answerCount: 7,
  receiveTotalNs: 8,
  timedCount: 9,
  sendTotalNs: 10,
  /** Index into `schedulings`, as of the end of the last slice. */
  scheduling: 11,
} as const;
type Field = keyof typeof fields;

const FIELD_COUNT = Object.keys(fields).length;

/** What the worker measures since a level began. */
export interface GaugeReading extends Readonly<Record<Field, number>> {
  readonly standstills: readonly Standstill[];
}

/** Memory of one gauge, for both threads. */
export const createGaugeBuffer = (): SharedArrayBuffer =>
  new SharedArrayBuffer((FIELD_COUNT + STANDSTILL_CELLS) * Float64Array.BYTES_PER_ELEMENT);

export function readGauge(buffer: SharedArrayBuffer): GaugeReading {
  const cells = new Float64Array(buffer);
  const names = Object.keys(fields) as Field[];
  const numbers = Object.fromEntries(names.map((name) => [name, cells[fields[name]]!])) as Record<Field, number>;
  return { ...numbers, standstills: readStandstills(cells.subarray(FIELD_COUNT)) };
}

/** How the workers of a level fared together; undefined before any has closed a slice. */
export interface GeneratorUsage {
  /** Share of time, of the worker that was busiest. */
  readonly busyRatio: number;
  /** Share of slices of 100 ms in which a worker was busy for more than 80 %, of the worker with most. */
  readonly busySliceRatio: number;
  /** Summed over the workers. */
  readonly gcPauseNs: number;
  readonly gcMaxPauseNs: number;
  /** An answer may have lain unseen for so long before it was stamped: p99 of how late the event loop came round. */
  readonly timestampUncertaintyNs: number;
  /** Of the worker with the least claim to a CPU. */
  readonly scheduling: Scheduling;
  /** When all workers stood still together; left out where they never did. */
  readonly standstills?: readonly Standstill[];
}

export function mergeGauges(readings: readonly GaugeReading[]): GeneratorUsage | undefined {
  const live = readings.filter(({ sliceCount, wallNs }) => sliceCount > 0 && wallNs > 0);
  if (live.length === 0) return undefined;
  const most = (of: (reading: GaugeReading) => number): number => Math.max(...live.map(of));
  const standstills = commonStandstills(live.map((reading) => reading.standstills));
  return {
    busyRatio: most(({ busyNs, wallNs }) => busyNs / wallNs),
    busySliceRatio: most(({ busySliceCount, sliceCount }) => busySliceCount / sliceCount),
    gcPauseNs: live.reduce((sum, { gcPauseNs }) => sum + gcPauseNs, 0),
    gcMaxPauseNs: most(({ gcMaxPauseNs }) => gcMaxPauseNs),
    timestampUncertaintyNs: most(({ loopDelayP99Ns }) => loopDelayP99Ns),
    scheduling: schedulings[most(({ scheduling }) => scheduling)] ?? 'ordinary',
    ...(standstills.length > 0 && { standstills }),
  };
}

/** The clients' own times over all workers; each left out where no client tells it. */
export function mergeClientTimes(readings: readonly GaugeReading[]): {
  readonly receiveMeanNs?: number;
  readonly handOverMeanNs?: number;
} {
  const sumOf = (field: Field): number => readings.reduce((sum, reading) => sum + reading[field], 0);
  const [answers, timed] = [sumOf('answerCount'), sumOf('timedCount')];
  return {
    ...(answers > 0 && { receiveMeanNs: sumOf('receiveTotalNs') / answers }),
    ...(timed > 0 && { handOverMeanNs: sumOf('sendTotalNs') / timed }),
  };
}

export interface GaugeSources {
  /** Time that the event loop only waited for an instant, since any origin: it is not busy then. */
  readonly waited: () => { readonly idleNs: number; readonly sleptNs: number };
  /** The client's totals since any origin; undefined where it keeps none. */
  readonly clientTimes: () => ClientTimes | undefined;
  /** How this thread is scheduled right now. */
  readonly scheduling: () => Scheduling;
  /** Called after a slice in which the worker took most of a CPU, be it to go round waiting. */
  readonly onHungry: () => void;
}

const noTimes: ClientTimes = { answerCount: 0, receiveTotalNs: 0, timedCount: 0, sendTotalNs: 0 };

const noWait = { idleNs: 0, sleptNs: 0 };

function readBeat(): Beat {
  const { user, system } = process.cpuUsage();
  return { nowNs: nowNs(), cpuNs: (user + system) * 1000, wallMs: Date.now() };
}

/** The worker's side. One timer every 100 ms and one every 10 ms are all that it costs. */
export class WorkerGauge {
  readonly #cells: Float64Array;
  readonly #sources: GaugeSources;
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  readonly #collector: PerformanceObserver;
  readonly #standstills: StandstillLog;
  #timer: NodeJS.Timeout | undefined;
  #loop = performance.eventLoopUtilization();
  #waited = noWait;
  #timesBefore = noTimes;

  constructor(buffer: SharedArrayBuffer, sources: GaugeSources) {
    this.#cells = new Float64Array(buffer);
    this.#sources = sources;
    this.#standstills = new StandstillLog(this.#cells.subarray(FIELD_COUNT));
    this.#collector = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#addPause(duration * NANOS_PER_MILLI);
    });
  }

  /** Forgets what was and begins a level. */
  begin(): void {
    this.end();
    this.#cells.fill(0);
    this.#loop = performance.eventLoopUtilization();
    this.#waited = this.#sources.waited();
    this.#timesBefore = this.#sources.clientTimes() ?? noTimes;
    this.#noteScheduling();
    this.#delay.reset();
    this.#delay.enable();
    this.#collector.observe({ entryTypes: ['gc'] });
    this.#standstills.begin(readBeat());
    this.#timer = setInterval(() => this.#closeSlice(), SLICE_MS);
  }

  /** Stops watching; the reading stays. Safe to call twice. */
  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#standstills.beat(readBeat(), SLICE_MS * NANOS_PER_MILLI);
    this.#noteTimes();
    this.#delay.disable();
    this.#collector.disconnect();
  }

  #closeSlice(): void {
    this.#standstills.beat(readBeat(), SLICE_MS * NANOS_PER_MILLI);
    const now = performance.eventLoopUtilization();
    const { active, idle } = performance.eventLoopUtilization(now, this.#loop);
    this.#loop = now;
    const waited = this.#sources.waited();
    const wallNs = (active + idle) * NANOS_PER_MILLI;
    const activeNs = active * NANOS_PER_MILLI;
    const busyNs = Math.max(0, activeNs - (waited.idleNs - this.#waited.idleNs));
    const isHungry = activeNs - (waited.sleptNs - this.#waited.sleptNs) > BUSY_SHARE * wallNs;
    this.#waited = waited;
    this.#add('wallNs', wallNs);
    this.#add('busyNs', busyNs);
    this.#add('sliceCount', 1);
    if (busyNs > BUSY_SHARE * wallNs) this.#add('busySliceCount', 1);
    if (isHungry) this.#sources.onHungry();
    this.#noteScheduling();
    // The histogram holds whole intervals of its own timer; what exceeds one is delay.
    const lateNs = this.#delay.percentile(99) - DELAY_RESOLUTION_MS * NANOS_PER_MILLI;
    this.#cells[fields.loopDelayP99Ns] = Math.max(0, lateNs);
    this.#noteTimes();
  }

  #noteTimes(): void {
    const times = this.#sources.clientTimes();
    if (times === undefined) return;
    for (const name of ['answerCount', 'receiveTotalNs', 'timedCount', 'sendTotalNs'] as const) {
      // A client that was made anew counts from zero again.
      this.#cells[fields[name]] = Math.max(0, times[name] - this.#timesBefore[name]);
    }
  }

  #noteScheduling(): void {
    this.#cells[fields.scheduling] = schedulings.indexOf(this.#sources.scheduling());
  }

  #addPause(pauseNs: number): void {
    this.#add('gcPauseNs', pauseNs);
    this.#cells[fields.gcMaxPauseNs] = Math.max(this.#cells[fields.gcMaxPauseNs]!, pauseNs);
  }

  #add(field: Field, amount: number): void {
    this.#cells[fields[field]]! += amount;
  }
}
