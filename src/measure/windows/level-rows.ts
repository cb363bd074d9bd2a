/**
 * The rows of a running level as they are looked at: all of them while they are few enough, and once a level is long only the
 * newest, the others having been counted and let go.
 */
import { type Instant, seconds } from '../../common/units.js';
import type { LevelRun } from '../../load/load-session.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { LoadLevel, StopRule } from '../../plan/load-plan.js';
import { LongLevel } from '../long/long-level.js';
import { detectWarmUp } from '../statistics/warm-up.js';
import { requestsTogether } from './requests-together.js';

/** Rows kept raw, 25 bytes each; a look copies, orders and sums them up, which takes about five times as much. */
const MAX_RAW_ROWS = 4_000_000;
/** A level that is to last this long is meant to be long, and keeps fewer. */
const LONG_LEVEL = seconds(60);
const MAX_LONG_RAW_ROWS = 500_000;

export class LevelRows {
  readonly #run: LevelRun;
  readonly #level: LoadLevel;
  readonly #maxRows: number;
  readonly #modelCount: number;
  #long: LongLevel | undefined;
  /** By model where there are several. */
  #longByModel: readonly LongLevel[] = [];

  /** Of several models each is counted by itself as well. A level that windows judge is never reduced. */
  constructor(run: LevelRun, level: LoadLevel, rule: StopRule, modelCount: number) {
    this.#run = run;
    this.#level = level;
    this.#modelCount = modelCount;
    const isReducible = run.takeFull !== undefined && rule.windows === undefined;
    const most = rule.minDuration >= LONG_LEVEL ? MAX_LONG_RAW_ROWS : MAX_RAW_ROWS;
    this.#maxRows = isReducible ? most : Infinity;
  }

  /** The counts of a level that has become long. */
  get long(): LongLevel | undefined {
    return this.#long;
  }

  /** The counts of one of several models in a level that has become long. */
  longOf(modelIndex: number): LongLevel | undefined {
    return this.#longByModel[modelIndex];
  }

  /** Rows that are still there; `begin` and `now` bound what the warm-up is sought in when there are too many for the first time. */
  look(begin: Instant, now: Instant): RequestColumns {
    if (this.#long !== undefined) this.#absorbFull(this.#long);
    const columns = this.#run.columns();
    if (this.#long !== undefined || columns.length < this.#maxRows) return columns;
    const from = detectWarmUp(columns, begin, now, requestsTogether(this.#level, columns)).end;
    this.#long = new LongLevel(from);
    if (this.#modelCount > 1) {
      this.#longByModel = Array.from({ length: this.#modelCount }, () => new LongLevel(from, this.#modelCount));
    }
    this.#absorbFull(this.#long);
    return this.#run.columns();
  }

  /** Everything, once the level has been stopped: all rows, or a random sample of a long level's. */
  finish(): RequestColumns {
    const columns = this.#run.columns();
    if (this.#long === undefined) return columns;
    this.#long.absorb(columns);
    for (const [model, own] of this.#longByModel.entries()) own.absorb(this.#run.columns(model));
    return this.#long.sample();
  }

  #absorbFull(long: LongLevel): void {
    if (this.#longByModel.length === 0) long.absorb(this.#run.takeFull!());
    for (const [model, own] of this.#longByModel.entries()) {
      const rows = this.#run.takeFull!(model);
      own.absorb(rows);
      long.absorb(rows);
    }
  }
}
