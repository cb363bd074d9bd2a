/** One visit to a level: a stretch of load, drained, with everything that came of it. A level has one, or several over the run. */
import type { Instant, Nanos } from '../../common/units.js';
import type { Exchanges } from '../../load/exchange-log.js';
import type { MismatchCounts, WorkerUsage } from '../../load/load-session.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { EndReason, ServerTimes, Warning } from '../../record/run-record.js';
import type { LevelWatch } from '../level-watch.js';
import type { LongLevel } from '../long/long-level.js';

/** How long a visit is to last. */
export interface VisitPart {
  readonly duration: Nanos;
  /** With fewer responses by then the level is too slow for visits, and the first goes on until the stop rule ends it. */
  readonly minResponses: number;
  /** False for a visit after the first: the requests that warm up a level are sent once. */
  readonly isFirst: boolean;
}

export interface Visit {
  /** Every row, warm-up included. */
  readonly columns: RequestColumns;
  /** Of each model where there are several; empty for one. */
  readonly modelColumns: readonly RequestColumns[];
  readonly modelErrors: readonly Readonly<Record<string, number>>[];
  readonly errors: Readonly<Record<string, number>>;
  /** The counts of a level that became long, which is never visited twice. */
  readonly long: LongLevel | undefined;
  /** The same of one of several models. */
  longOf(model: number): LongLevel | undefined;
  readonly begin: Instant;
  /** When sending ended, or where a look ended the level. */
  readonly end: Instant;
  /** `visit-over`: the level has more to come. */
  readonly endReason: EndReason | 'visit-over';
  readonly usage: WorkerUsage;
  readonly droppedCount: number;
  readonly unfinishedCount: number;
  readonly answers: MismatchCounts | undefined;
  readonly exchanges: Exchanges | undefined;
  readonly watch: LevelWatch;
  serverBetween(from: Instant, to: Instant): ServerTimes | undefined;
  /** Of asking the server for its statistics, and of what it told when `serverBetween` was last asked. */
  readonly warnings: readonly Warning[];
}
