/**
 * Finds the highest request rate that holds: a bracket by doubling and halving, bisection on the logarithm of the rate,
 * and runs with fresh seeds that confirm what was found. Knows nothing of how a rate is measured, nor of what holding means.
 */

export type ProbeResult = 'pass' | 'fail' | 'unclear';

export interface Probe {
  readonly requestRatePerSec: number;
  readonly result: ProbeResult;
  /** The latency that the limit speaks of; null where there was none. */
  readonly latencyNs: number | null;
}

export interface PeakSearchOptions {
  readonly startPerSec: number;
  /** No higher rate is tried. */
  readonly endPerSec?: number | undefined;
  /** Measures a rate; no two calls have the same `seedIndex`. Undefined ends the search, as an interrupt does. */
  readonly measureAt: (requestRatePerSec: number, seedIndex: number) => Promise<Probe | undefined>;
}

export interface PeakFound {
  readonly probes: readonly Probe[];
  /** What was confirmed, or passed without being confirmed; undefined when no rate held. */
  readonly requestRatePerSec: number | undefined;
  /** The lowest rate that failed; undefined when none did. */
  readonly lowestFailPerSec: number | undefined;
  readonly isConfirmed: boolean;
  readonly isInterrupted: boolean;
}

/** Where the interval between pass and fail is narrow enough, and how far a first step down goes. */
const WIDTH = 1.02;
/** Halvings below the start before the search gives up. */
const MAX_HALVINGS = 12;
const MAX_DOUBLINGS = 24;
const CONFIRMATIONS = 3;
const MAX_STEPS_DOWN = 10;

export async function searchPeak(options: PeakSearchOptions): Promise<PeakFound> {
  const search = new PeakSearch(options);
  try {
    return await search.run();
  } catch (thrown) {
    if (thrown instanceof Interrupted) return search.found(false, true);
    throw thrown;
  }
}

class Interrupted extends Error {}

class PeakSearch {
  readonly #options: PeakSearchOptions;
  readonly #probes: Probe[] = [];
  #pass: number | undefined;
  #fail: number | undefined;

  constructor(options: PeakSearchOptions) {
    this.#options = options;
  }

  async run(): Promise<PeakFound> {
    await this.#bracket();
    if (this.#pass === undefined) return this.found(false, false);
    while (this.#fail !== undefined && this.#fail / this.#pass > WIDTH) {
      await this.#decide(Math.sqrt(this.#pass * this.#fail));
    }
    return this.found(await this.#confirm(), false);
  }

  found(isConfirmed: boolean, isInterrupted: boolean): PeakFound {
    return {
      probes: this.#probes,
      requestRatePerSec: this.#pass,
      lowestFailPerSec: this.#fail,
      isConfirmed,
      isInterrupted,
    };
  }

  /** Doubles while the rate holds, or halves until it does. */
  async #bracket(): Promise<void> {
    const { startPerSec, endPerSec = Infinity } = this.#options;
    let rate = Math.min(startPerSec, endPerSec);
    if (await this.#decide(rate)) {
      for (let step = 0; step < MAX_DOUBLINGS && rate < endPerSec; step++) {
        rate = Math.min(endPerSec, rate * 2);
        if (!(await this.#decide(rate))) return;
      }
      return;
    }
    for (let step = 0; step < MAX_HALVINGS; step++) {
      rate /= 2;
      if (await this.#decide(rate)) return;
    }
  }

  /** The found rate must hold in every fresh run; one that does not takes it down, by more each second time. */
  async #confirm(): Promise<boolean> {
    for (let step = 0; step <= MAX_STEPS_DOWN; step++) {
      const rate = this.#pass!;
      let held = 0;
      while (held < CONFIRMATIONS && (await this.#holds(rate))) held++;
      if (held === CONFIRMATIONS) return true;
      this.#fail = rate;
      this.#pass = rate / WIDTH ** (1 + Math.floor(step / 2));
    }
    return false;
  }

  /** Narrows the bracket by what a rate shows. */
  async #decide(rate: number): Promise<boolean> {
    const holds = await this.#holds(rate);
    if (holds) this.#pass = Math.max(this.#pass ?? 0, rate);
    else this.#fail = Math.min(this.#fail ?? Infinity, rate);
    return holds;
  }

  /** A second look decides an unclear one; two unclear looks are no pass. */
  async #holds(rate: number): Promise<boolean> {
    const first = await this.#measure(rate);
    return (first === 'unclear' ? await this.#measure(rate) : first) === 'pass';
  }

  async #measure(rate: number): Promise<ProbeResult> {
    const probe = await this.#options.measureAt(rate, this.#probes.length);
    if (probe === undefined) throw new Interrupted();
    this.#probes.push(probe);
    return probe.result;
  }
}
