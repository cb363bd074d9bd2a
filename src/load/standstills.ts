/**
 * When the load generator as a whole stood still: stopped by a signal, suspended, paused with its virtual machine, or without a
 * CPU. A worker's beat that comes late is one sign, and that the process used no CPU meanwhile the other; a loop that was merely
 * busy used it. Written by a worker into shared memory, read by the main thread.
 */
import { readFileSync } from 'node:fs';

/** A beat this late is a standstill; the slices of schedulers are far shorter. */
const LEAST_NS = 400e6;
/** Of one CPU: a process that used more did something. */
const MAX_CPU_SHARE = 0.5;
const KEPT = 16;

/** On the host-wide monotonic clock; of a suspended host, whose clock stood still too, the instant is when it was noticed. */
export interface Standstill {
  readonly atNs: number;
  readonly durationNs: number;
}

export const STANDSTILL_CELLS = 1 + 2 * KEPT;

/** One reading of a worker's clocks. */
export interface Beat {
  readonly nowNs: number;
  /** User and system time of the process. */
  readonly cpuNs: number;
  readonly wallMs: number;
}

/** Time since the host was started, suspended time with it; undefined where the system does not tell. */
function readUptimeNs(): number | undefined {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1e9;
  } catch {
    return undefined;
  }
}

export class StandstillLog {
  readonly #cells: Float64Array;
  readonly #readUptime: () => number | undefined;
  #last: Beat | undefined;
  /** Uptime less monotonic time: grows by what the host was suspended. */
  #suspendedNs: number | undefined;

  constructor(cells: Float64Array, readUptime = readUptimeNs) {
    this.#cells = cells;
    this.#readUptime = readUptime;
  }

  begin(beat: Beat): void {
    this.#last = beat;
    const uptimeNs = this.#readUptime();
    this.#suspendedNs = uptimeNs === undefined ? undefined : uptimeNs - beat.nowNs;
  }

  /** To be called every `intervalNs`. */
  beat(beat: Beat, intervalNs: number): void {
    const last = this.#last;
    this.#last = beat;
    if (last === undefined) return;
    const gapNs = beat.nowNs - last.nowNs;
    if (gapNs - intervalNs >= LEAST_NS && beat.cpuNs - last.cpuNs < MAX_CPU_SHARE * gapNs) {
      this.#note(last.nowNs + intervalNs, gapNs - intervalNs);
    }
    // A clock that was set looks like a host that was suspended, so the uptime has to agree.
    const jumpNs = (beat.wallMs - last.wallMs) * 1e6 - gapNs;
    if (jumpNs < LEAST_NS || this.#suspendedNs === undefined) return;
    const suspendedNs = (this.#readUptime() ?? Number.NaN) - beat.nowNs;
    const grownNs = suspendedNs - this.#suspendedNs;
    if (!(grownNs >= LEAST_NS)) return;
    this.#suspendedNs = suspendedNs;
    this.#note(beat.nowNs, grownNs);
  }

  #note(atNs: number, durationNs: number): void {
    const count = this.#cells[0]!;
    if (count >= KEPT) return;
    this.#cells[1 + 2 * count] = atNs;
    this.#cells[2 + 2 * count] = durationNs;
    this.#cells[0] = count + 1;
  }
}

export const readStandstills = (cells: Float64Array): Standstill[] =>
  Array.from({ length: cells[0] ?? 0 }, (_, index) => ({
    atNs: cells[1 + 2 * index]!,
    durationNs: cells[2 + 2 * index]!,
  }));

/** What every worker saw: one that was late alone held back its own connections only. */
export function commonStandstills(workers: readonly (readonly Standstill[])[]): Standstill[] {
  const [first = [], ...others] = workers;
  return first.filter(({ atNs, durationNs }) =>
    others.every((seen) =>
      seen.some((other) => other.atNs <= atNs + durationNs && atNs <= other.atNs + other.durationNs),
    ),
  );
}
