/**
 * Keeps what a run has measured, in memory and on disk as far as the disk lets it. A write that fails is remembered and
 * takes nothing else with it: the other files, the levels to come and what was saved before are kept.
 */
import { PerfTsError } from '../common/errors.js';
import { type KeptWrites, keepWrites } from '../common/kept-writes.js';
import { environmentFault } from '../common/system-faults.js';
import type { RequestColumns } from '../load/request-columns.js';
import { createLatencyLog, type LatencyLog } from '../record/latency-log.js';
import { loadTag } from '../record/load-name.js';
import type { LevelRecord, RunRecord, Warning } from '../record/run-record.js';
import type { RunStore } from '../record/run-store.js';

export class KeptRun {
  readonly #store: RunStore;
  readonly #latencyLog: LatencyLog;
  readonly #writes: KeptWrites;
  #record: RunRecord;

  /** `onUnsaved` is told of each fault of a write once. */
  constructor(store: RunStore, record: RunRecord, onUnsaved: (fault: Error) => void) {
    this.#store = store;
    this.#record = record;
    this.#writes = keepWrites((fault) => {
      this.fail(fault);
      onUnsaved(fault);
    });
    this.#latencyLog = createLatencyLog(new Date(record.startedAt));
  }

  get record(): RunRecord {
    return this.#record;
  }

  get levelCount(): number {
    return this.#record.levels.length;
  }

  /** What could not be written, each fault once, in the order in which they came. */
  get unsaved(): readonly Error[] {
    return this.#writes.faults;
  }

  change(fields: Partial<RunRecord>): void {
    this.#record = { ...this.#record, ...fields };
  }

  warn(...warnings: readonly Warning[]): void {
    if (warnings.length > 0) this.change({ warnings: [...this.#record.warnings, ...warnings] });
  }

  /** A fault that ended the run, or a file that could not be written: the state is `failed` from now on. */
  fail(fault: Error): void {
    this.change({ state: 'failed' });
    const code = fault instanceof PerfTsError ? fault.code : 'UNEXPECTED_ERROR';
    this.warn({ code, message: fault.message });
  }

  /**
   * Keeps the level at `index`: a new one, or all visits so far to one that is there already. `latest` are the rows that were not
   * kept before. The record is saved first: it is small and says what became of the rest. Never rejects.
   */
  async putLevel(
    level: LevelRecord,
    columns: RequestColumns,
    index = this.levelCount,
    latest: RequestColumns | undefined = columns,
  ): Promise<void> {
    const levels = [...this.#record.levels];
    levels[index] = level;
    this.change({ finishedAt: new Date().toISOString(), levels });
    await this.#writes.attempt(() => this.#store.saveRun(this.#record));
    await this.#writes.attempt(() => this.#store.saveSamples(index, columns));
    if (latest.length === 0) return;
    await this.#writes.attempt(() => {
      this.#latencyLog.addLevel(loadTag(level.load), latest);
      return this.#store.saveText('latency.hlog', this.#latencyLog.text());
    });
  }

  /** Passes on a fault that is a bug; one of the machine or of a file is kept among what could not be written. */
  async tell(listener: () => void | Promise<void>): Promise<void> {
    try {
      await listener();
    } catch (thrown) {
      const fault = environmentFault(thrown);
      if (fault === undefined) throw thrown;
      await this.#writes.attempt(() => Promise.reject(fault));
      await this.save();
    }
  }

  /** Saves the record as it is now. Never rejects. */
  async save(): Promise<void> {
    this.change({ finishedAt: new Date().toISOString() });
    if ((await this.#writes.attempt(() => this.#store.saveRun(this.#record))) || this.#store.isKept) return;
    // Samples without a record are of no use to anybody, and the room that they take may be enough for it.
    await this.#store.discard();
    await this.#writes.attempt(() => this.#store.saveRun(this.#record));
  }
}
