/**
 * Snapshots of the server's statistics taken while a level runs. Where warm-up ends is known only afterwards, so several
 * are kept and those nearest to the measured window are compared.
 */
import type { ServerAdmin } from '../../client/server-admin.js';
import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Instant, instant } from '../../common/units.js';
import type { ModelStatistics } from '../../kserve/metadata.js';
import type { ServerTimes, Warning } from '../../record/run-record.js';
import { serverTimesBetween } from './server-times.js';

interface Snapshot {
  readonly at: Instant;
  readonly statistics: ModelStatistics;
}

export class StatisticsLog {
  readonly #ask: () => Promise<ModelStatistics | undefined>;
  readonly #clock: Clock;
  readonly #snapshots: Snapshot[] = [];
  #underWay: Promise<void> | undefined;
  #isOffered = true;
  #fault: string | undefined;

  constructor(admin: ServerAdmin, model: string, modelVersion: string, clock: Clock) {
    this.#ask = () => admin.modelStatistics(model, ...(modelVersion === '' ? [] : [modelVersion]));
    this.#clock = clock;
  }

  /** Takes a snapshot, or joins the one under way. Never rejects; a server without statistics is asked once. */
  take(): Promise<void> {
    if (!this.#isOffered) return Promise.resolve();
    this.#underWay ??= this.#takeOne().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /**
   * What the server did between the snapshots nearest to two instants, or over the whole level where one is nearest to
   * both; undefined where it tells nothing.
   */
  between(from: Instant, to: Instant): ServerTimes | undefined {
    const before = this.#nearest(from);
    const after = this.#nearest(to);
    if (before === undefined || after === undefined) return undefined;
    if (before.at < after.at) return serverTimesBetween(before.statistics, after.statistics);
    const first = this.#snapshots[0]!;
    const last = this.#snapshots.at(-1)!;
    return first.at < last.at ? serverTimesBetween(first.statistics, last.statistics) : undefined;
  }

  /** A server that offers statistics and then failed to give them. */
  warnings(): Warning[] {
    if (this.#fault === undefined) return [];
    return [
      {
        code: 'STATISTICS_FAILED',
        message: `The server did not give its statistics (${this.#fault}), so its queue and compute times may be missing.`,
      },
    ];
  }

  async #takeOne(): Promise<void> {
    const asked = this.#clock.now();
    try {
      const statistics = await this.#ask();
      if (statistics === undefined) this.#isOffered = false;
      else this.#snapshots.push({ at: instant((asked + this.#clock.now()) / 2), statistics });
    } catch (fault) {
      this.#fault ??= messageOf(fault);
    }
  }

  #nearest(wanted: Instant): Snapshot | undefined {
    return this.#snapshots.toSorted((a, b) => Math.abs(a.at - wanted) - Math.abs(b.at - wanted))[0];
  }
}
