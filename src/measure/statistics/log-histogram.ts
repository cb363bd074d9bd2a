/**
 * Counts of durations in buckets that grow with the value, each less than a thousandth of it wide: what a level that is too
 * long for raw samples is kept in. Merging loses nothing.
 */

/** Buckets of an octave; below twice as many nanoseconds every value has its own. */
const SUB_BUCKETS = 1024;
const SUB_BITS = 10;
/** Values from 2^42 ns (73 minutes) on are counted as this. */
const OCTAVES = 42;
const BUCKETS = (OCTAVES - SUB_BITS + 1) * SUB_BUCKETS;

/** Exponent of the highest bit; `value` is at least 1. Clz32 takes 32 bits, so larger values are shifted by division. */
function octaveOf(value: number): number {
  return value < 2 ** 31 ? 31 - Math.clz32(value) : 31 - Math.clz32(value / 2 ** 20) + 20;
}

function bucketOf(valueNs: number): number {
  const value = Math.min(Math.max(0, Math.floor(valueNs)), 2 ** OCTAVES - 1);
  if (value < 2 * SUB_BUCKETS) return value;
  const octave = octaveOf(value);
  return (octave - SUB_BITS) * SUB_BUCKETS + Math.floor(value / 2 ** (octave - SUB_BITS));
}

/** The middle of a bucket. */
function valueOfBucket(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  const step = 2 ** shift;
  return (bucket - shift * SUB_BUCKETS) * step + Math.floor(step / 2);
}

export class LogHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #sum = 0;
  #largest = 0;

  get total(): number {
    return this.#total;
  }

  /** Of the values as given, not of buckets; 0 when empty. */
  get mean(): number {
    return this.#total === 0 ? 0 : this.#sum / this.#total;
  }

  /** Exact; 0 when empty. */
  get largest(): number {
    return this.#largest;
  }

  add(valueNs: number): void {
    this.#counts[bucketOf(valueNs)]!++;
    this.#total++;
    this.#sum += valueNs;
    if (valueNs > this.#largest) this.#largest = valueNs;
  }

  /** Takes over what `other` holds. */
  merge(other: LogHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#counts[bucket]! += other.#counts[bucket]!;
    this.#total += other.#total;
    this.#sum += other.#sum;
    this.#largest = Math.max(this.#largest, other.#largest);
  }

  /** The value of this rank, counted from 1, to a thousandth; the histogram must not be empty. */
  valueAtRank(rank: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(this.#largest, valueOfBucket(bucket));
    }
    return this.#largest;
  }

  /** `percentile` from 0 to 100, of rank ceil(p n) as everywhere. */
  percentile(percentile: number): number {
    const rank = Math.ceil((percentile / 100) * this.#total - 1e-9);
    return percentile === 100 ? this.#largest : this.valueAtRank(Math.min(this.#total, Math.max(1, rank)));
  }
}
