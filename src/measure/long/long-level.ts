/**
 * A level that is too long for raw samples: requests are counted into slices and histograms as they come, and a uniform
 * random sample of them is kept for whatever needs their order. Memory stays the same however long the level lasts.
 */
import { outcomeCodes } from '../../client/outcome.js';
import { createRng } from '../../common/random.js';
import type { Instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import { LogHistogram } from '../statistics/log-histogram.js';

/** Slices of time; when a level outgrows them they are joined in pairs. */
const MAX_SLICES = 240;
const FIRST_SLICE_NS = 1e9;
const SAMPLE_ROWS = 2 ** 18;
const LEAST_SAMPLE_ROWS = 2 ** 12;
const SEED = 1;

interface Slice {
  /** Successful requests received in it. */
  received: number;
  /** Summed latency of those. */
  latencyNs: number;
}

export class LongLevel {
  /** Measuring begins here; what was intended earlier was warm-up. */
  readonly from: Instant;
  readonly latency = new LogHistogram();
  readonly service = new LogHistogram();
  readonly sendLag = new LogHistogram();
  /** Requests whatever became of them, warm-up included. */
  requestCount = 0;
  /** Successful ones. */
  successCount = 0;
  warmupCount = 0;
  delayedCount = 0;
  /** Requests after the warm-up, whatever became of them. */
  dueCount = 0;
  readonly #rng = createRng(SEED);
  readonly #sampleRows: number;
  readonly #intendedNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #receivedNs: Float64Array;
  readonly #outcomes: Uint8Array;
  #sampledOf = 0;
  #slices: Slice[] = [];
  #sliceNs = FIRST_SLICE_NS;

  /** `share` levels like this one have as large a sample together as one alone. */
  constructor(from: Instant, share = 1) {
    this.from = from;
    this.#sampleRows = Math.max(LEAST_SAMPLE_ROWS, Math.floor(SAMPLE_ROWS / share));
    this.#intendedNs = new Float64Array(this.#sampleRows);
    this.#sentNs = new Float64Array(this.#sampleRows);
    this.#receivedNs = new Float64Array(this.#sampleRows);
    this.#outcomes = new Uint8Array(this.#sampleRows);
  }

  /** Counts every row; rows may come in any order, each once. */
  absorb(rows: RequestColumns): void {
    for (let row = 0; row < rows.length; row++) {
      const intendedNs = rows.intendedNs[row]!;
      const sentNs = rows.sentNs[row]!;
      const receivedNs = rows.receivedNs[row]!;
      const outcome = rows.outcomes[row]!;
      this.requestCount++;
      if (sentNs - intendedNs > 1e6) this.delayedCount++;
      if (outcome === outcomeCodes.ok) this.successCount++;
      if (intendedNs < this.from) {
        if (outcome === outcomeCodes.ok) this.warmupCount++;
        continue;
      }
      this.dueCount++;
      this.#sample(intendedNs, sentNs, receivedNs, outcome);
      if (outcome !== outcomeCodes.ok) continue;
      this.latency.add(receivedNs - intendedNs);
      this.service.add(Math.max(0, receivedNs - sentNs));
      this.sendLag.add(Math.max(0, sentNs - intendedNs));
      const slice = this.#sliceAt(receivedNs);
      slice.received++;
      slice.latencyNs += receivedNs - intendedNs;
    }
  }

  /** Successful requests and their summed latency by slices of equal time up to `to`; what is left of a slice is not among them. */
  slices(to: Instant): { readonly widthNs: number; readonly slices: readonly Readonly<Slice>[] } {
    const whole = Math.min(this.#slices.length, Math.floor((to - this.from) / this.#sliceNs));
    return { widthNs: this.#sliceNs, slices: this.#slices.slice(0, whole) };
  }

  /** The random sample, ordered by receive instant: every request of the window had the same chance. */
  sample(): RequestColumns {
    const length = Math.min(this.#sampledOf, this.#sampleRows);
    const order = Uint32Array.from({ length }, (_, row) => row).sort(
      (a, b) => this.#receivedNs[a]! - this.#receivedNs[b]!,
    );
    const pick = (column: Float64Array): Float64Array => Float64Array.from(order, (row) => column[row]!);
    return {
      length,
      intendedNs: pick(this.#intendedNs),
      sentNs: pick(this.#sentNs),
      receivedNs: pick(this.#receivedNs),
      outcomes: Uint8Array.from(order, (row) => this.#outcomes[row]!),
    };
  }

  /** Algorithm R (Waterman): the n-th row takes a random place with the chance of one place in n. */
  #sample(intendedNs: number, sentNs: number, receivedNs: number, outcome: number): void {
    const at = this.#sampledOf < this.#sampleRows ? this.#sampledOf : this.#rng.int(this.#sampledOf + 1);
    this.#sampledOf++;
    if (at >= this.#sampleRows) return;
    this.#intendedNs[at] = intendedNs;
    this.#sentNs[at] = sentNs;
    this.#receivedNs[at] = receivedNs;
    this.#outcomes[at] = outcome;
  }

  #sliceAt(receivedNs: number): Slice {
    let index = Math.floor((receivedNs - this.from) / this.#sliceNs);
    while (index >= MAX_SLICES) {
      this.#joinPairs();
      index = Math.floor((receivedNs - this.from) / this.#sliceNs);
    }
    while (this.#slices.length <= index) this.#slices.push({ received: 0, latencyNs: 0 });
    return this.#slices[index]!;
  }

  #joinPairs(): void {
    const joined: Slice[] = [];
    for (let i = 0; i < this.#slices.length; i += 2) {
      const [a, b] = [this.#slices[i]!, this.#slices[i + 1]];
      joined.push({ received: a.received + (b?.received ?? 0), latencyNs: a.latencyNs + (b?.latencyNs ?? 0) });
    }
    this.#slices = joined;
    this.#sliceNs *= 2;
  }
}
