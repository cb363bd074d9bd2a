/**
 * Finds the highest request rate that holds: a bracket by doubling and halving, bisection on the logarithm of the rate,
 * and runs with fresh seeds that confirm what was found. A host that was disturbed for a while fails rates that hold, so
 * no single failure decides, and what failed is challenged once something is confirmed. Knows nothing of how a rate is
 * measured, nor of what holding means.
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
  /** The highest confirmed rate; undefined where none was. */
  readonly requestRatePerSec: number | undefined;
  /** The lowest rate above it that failed; undefined when none did. */
  readonly lowestFailPerSec: number | undefined;
  readonly isInterrupted: boolean;
}

/** Where the interval between pass and fail is narrow enough, and how far a first step down goes. */
const WIDTH = 1.02;
/** Halvings below the start before the search gives up. */
const MAX_HALVINGS = 12;
const MAX_DOUBLINGS = 24;
const MAX_DOUBLINGS_UNCLEAR = 8;
/** Failures that a rate is judged by: one may be a hiccup. */
const FAILURES = 2;
/** Looks that leave a rate undecided. */
const MAX_UNCLEAR = 2;
/** Fresh runs that must hold, of which fewer than `FAILURES` may fail. */
const CONFIRMATIONS = 3;
const MAX_STEPS_DOWN = 10;
/** How often the search goes up again after something was confirmed. */
const MAX_CLIMBS = 6;
const MAX_PROBES = 120;

export async function searchPeak(options: PeakSearchOptions): Promise<PeakFound> {
  const search = new PeakSearch(options);
  try {
    await search.run();
    return search.found(false);
  } catch (thrown) {
    if (thrown instanceof OutOfProbes) return search.found(thrown.isInterrupted);
    throw thrown;
  }
}

class OutOfProbes extends Error {
  readonly isInterrupted: boolean;
  constructor(isInterrupted: boolean) {
    super();
    this.isInterrupted = isInterrupted;
  }
}

class PeakSearch {
  readonly #options: PeakSearchOptions;
  readonly #probes: Probe[] = [];
  /** The bracket: what passed a look, and the lowest rate above it that failed. */
  #pass: number | undefined;
  #fail: number | undefined;
  #confirmed: number | undefined;

  constructor(options: PeakSearchOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    if (!(await this.#bracket())) return;
    for (let climb = 0; climb < MAX_CLIMBS; climb++) {
      await this.#bisect();
      if (!(await this.#confirm()) || this.#fail === undefined) return;
      const isNarrow = this.#fail / this.#pass! <= WIDTH;
      if (await this.#challenge(this.#fail)) await this.#climb();
      else if (isNarrow) return;
    }
  }

  found(isInterrupted: boolean): PeakFound {
    const confirmed = this.#confirmed;
    const fails = this.#failedRates().filter((rate) => confirmed === undefined || rate > confirmed);
    return {
      probes: this.#probes,
      requestRatePerSec: confirmed,
      lowestFailPerSec: fails.length === 0 ? undefined : Math.min(...fails),
      isInterrupted,
    };
  }

  /** Rates that failed more often than they passed. */
  #failedRates(): number[] {
    const balance = new Map<number, number>();
    for (const { requestRatePerSec: rate, result } of this.#probes) {
      const vote = result === 'fail' ? 1 : result === 'pass' ? -1 : 0;
      balance.set(rate, (balance.get(rate) ?? 0) + vote);
    }
    return [...balance].filter(([, votes]) => votes > 0).map(([rate]) => rate);
  }

  /** Finds a rate that passes, by halving or, from one that has too few requests to judge, by doubling; then climbs. */
  async #bracket(): Promise<boolean> {
    const { startPerSec, endPerSec = Infinity } = this.#options;
    let rate = Math.min(startPerSec, endPerSec);
    let result = await this.#look(rate);
    for (let step = 0; step < MAX_DOUBLINGS_UNCLEAR && result === 'unclear' && rate < endPerSec; step++) {
      rate = Math.min(endPerSec, rate * 2);
      result = await this.#look(rate);
    }
    // One failure is enough to try a lower rate, because the climb from there tries this one again.
    for (let step = 0; step < MAX_HALVINGS && result === 'fail'; step++) {
      this.#fail = rate;
      rate /= 2;
      result = await this.#look(rate, 1);
    }
    if (result !== 'pass') return false;
    this.#pass = rate;
    await this.#climb();
    return true;
  }

  /** Doubles from what passed until a rate fails. */
  async #climb(): Promise<void> {
    const { endPerSec = Infinity } = this.#options;
    this.#fail = undefined;
    for (let step = 0; step < MAX_DOUBLINGS && this.#pass! < endPerSec; step++) {
      const rate = Math.min(endPerSec, this.#pass! * 2);
      if ((await this.#look(rate)) !== 'pass') {
        this.#fail = rate;
        return;
      }
      this.#pass = rate;
    }
  }

  async #bisect(): Promise<void> {
    while (this.#fail !== undefined && this.#fail / this.#pass! > WIDTH) {
      const middle = Math.sqrt(this.#pass! * this.#fail);
      if ((await this.#look(middle)) === 'pass') this.#pass = middle;
      else this.#fail = middle;
    }
  }

  /** The found rate must hold in fresh runs; one that does not takes it down, by more each second time. */
  async #confirm(): Promise<boolean> {
    for (let step = 0; step <= MAX_STEPS_DOWN; step++) {
      const rate = this.#pass!;
      if (rate === this.#confirmed || (await this.#holdsAgain(rate))) {
        this.#confirmed = rate;
        return true;
      }
      this.#fail = rate;
      this.#pass = Math.max(rate / WIDTH ** (1 + Math.floor(step / 2)), this.#confirmed ?? 0);
    }
    return false;
  }

  async #holdsAgain(rate: number): Promise<boolean> {
    let held = 0;
    for (let missed = 0; missed < FAILURES; ) {
      if ((await this.#measure(rate)) === 'pass') held++;
      else missed++;
      if (held === CONFIRMATIONS) return true;
    }
    return false;
  }

  /** Whether a rate that failed holds now: then a disturbance failed it, and the search goes on above it. */
  async #challenge(rate: number): Promise<boolean> {
    for (let look = 0; look < FAILURES; look++) if ((await this.#measure(rate)) !== 'pass') return false;
    this.#pass = rate;
    return true;
  }

  /** A pass decides, a failure only when it comes twice. */
  async #look(rate: number, failures = FAILURES): Promise<ProbeResult> {
    let failed = 0;
    let passed = 0;
    let unclear = 0;
    for (;;) {
      const result = await this.#measure(rate);
      if (result === 'pass') passed++;
      else if (result === 'fail') failed++;
      else unclear++;
      if (failed >= failures) return 'fail';
      if (passed > failed || passed >= FAILURES) return 'pass';
      if (unclear >= MAX_UNCLEAR) return 'unclear';
    }
  }

  async #measure(rate: number): Promise<ProbeResult> {
    if (this.#probes.length >= MAX_PROBES) throw new OutOfProbes(false);
    const probe = await this.#options.measureAt(rate, this.#probes.length);
    if (probe === undefined) throw new OutOfProbes(true);
    this.#probes.push(probe);
    return probe.result;
  }
}
