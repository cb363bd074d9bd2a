/** What measuring needs and tells while it works. The entry points are measure-level.ts (one level) and measure-run.ts (all of a plan). */
import type { Instant } from '../common/units.js';
import type { Exchanges } from '../load/exchange-log.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel } from '../plan/load-plan.js';
import type { LevelRecord, MonitorsRecord } from '../record/run-record.js';

/** Told a few times a second while a level runs. */
export interface LevelProgress {
  readonly level: LoadLevel;
  /** Levels finished before this one, and how many are known to come, this one included. */
  readonly levelIndex: number;
  readonly levelCount: number;
  readonly elapsedNs: number;
  /** When the level ends at the latest; of several visits the time of all. */
  readonly maxDurationNs: number;
  /** Of the whole run, at most; where it is left out, every level to come takes as long as this one. */
  readonly leftNs?: number;
  /** Which visit to the level this is, of how many at least; left out for a level of one stretch. */
  readonly visit?: { readonly index: number; readonly count: number };
  readonly requestCount: number;
  readonly errorCount: number;
  /** Inferences a second so far, after warm-up where that is known; undefined before there is any. */
  readonly throughputPerSec: number | undefined;
  readonly latencyP50Ns: number | undefined;
  readonly latencyP99Ns: number | undefined;
  /** When the newest good response was received; undefined before the first and after two seconds without one. */
  readonly lastSuccess?: Instant | undefined;
  /** Relative half width of the throughput interval reached so far. */
  readonly halfWidth: number | undefined;
}

/** Which of the run's levels has been visited again: the record and all columns are those of its visits so far. */
export interface VisitNews {
  /** Among the levels in the order of their first visits; the level is a new one where there is none at this index yet. */
  readonly levelIndex: number;
  /** False while more visits are to come. */
  readonly isLast: boolean;
  /** The rows of the visit that has just ended; undefined where the run ended before another. */
  readonly visitColumns: RequestColumns | undefined;
}

export interface MeasureListener {
  onProgress(progress: LevelProgress): void;
  /**
   * A finished level with all its raw samples, warm-up included, before the next starts, so that it can be saved at once;
   * with what went in and out, where the plan keeps it. Of a level of several visits after each of them: see VisitNews.
   */
  onLevel(level: LevelRecord, columns: RequestColumns, exchanges?: Exchanges, news?: VisitNews): Promise<void> | void;
}

/** CPU time so far of the processes that can be seen. */
export interface CpuUse {
  /** Of perf-ts, the server where it is on this host, and whatever they started. */
  readonly oursNs: number;
  /** Of every other process, by its id. */
  readonly others: ReadonlyMap<number, { readonly name: string; readonly cpuNs: number }>;
  /** The CPUs that perf-ts and the server may run on; undefined where that is not known. */
  readonly cpus: readonly number[] | undefined;
}

/** Watches server, GPUs and metrics while a level runs; one for a run, used for one level after the other. */
export interface LevelMonitor {
  begin(): void;
  /** Sending is over: nothing more is to be seen. */
  pause(): void;
  /** Undefined where the server's part in the use of this host's CPUs cannot be told. */
  cpuUse?(): CpuUse | undefined;
  /** What was seen between two instants of the level, in which so many inferences were made. Never rejects. */
  end(fromNs: number, toNs: number, inferenceCount: number): Promise<MonitorsRecord | null>;
}
