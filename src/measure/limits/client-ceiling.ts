/** What the load generator itself can do on a host, as `perf-ts calibrate` found it; verdicts are held against it. */
export interface ClientCeiling {
  /** The highest rate that it sent on time against a server that does nothing. */
  readonly maxRatePerSec: number;
  /** True where that host was too busy then to tell more. */
  readonly isLowerBound?: boolean;
  /** Median latency against that server at a tenth of this rate. */
  readonly floorP50Ns: number;
}
