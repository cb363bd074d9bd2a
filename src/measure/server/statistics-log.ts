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
import type { LookTime } from './possible-count.js';
import { type PossibleCount, serverTimesBetween } from './server-times.js';

interface Snapshot extends LookTime {
  /** Between asking and being told. */
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
  #doubt: Warning | undefined;

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
   * both; undefined where it tells nothing, or nothing that can be true: `warnings` then says why. `possible` tells how many
   * requests it can have counted between two looks.
   */
  between(
    from: Instant,
    to: Instant,
    possible?: (from: LookTime, to: LookTime) => PossibleCount,
  ): ServerTimes | undefined {
    let [before, after] = [this.#nearest(from), this.#nearest(to)];
    const [first, last] = [this.#snapshots[0], this.#snapshots.at(-1)];
    if (before === undefined || after === undefined || !(first!.at < last!.at)) return undefined;
    if (before.at >= after.at) [before, after] = [first!, last!];
    const longestNs = after.told - first!.asked;
    const found = serverTimesBetween(before.statistics, after.statistics, possible?.(before, after), longestNs);
    this.#doubt = found.doubt;
    return found.times;
  }

  /** A server that offers statistics and then failed to give them, or whose statistics cannot be those of this level. */
  warnings(): Warning[] {
    const doubts = this.#doubt === undefined ? [] : [this.#doubt];
    if (this.#fault === undefined) return doubts;
    return [
      {
        code: 'STATISTICS_FAILED',
        message: `The server did not give its statistics (${this.#fault}), so its queue and compute times may be missing.`,
      },
      ...doubts,
    ];
  }

  async #takeOne(): Promise<void> {
    const asked = this.#clock.now();
    try {
      const statistics = await this.#ask();
      if (statistics === undefined) this.#isOffered = false;
      else {
        const told = this.#clock.now();
        this.#snapshots.push({ asked, told, at: instant((asked + told) / 2), statistics });
      }
    } catch (fault) {
      this.#fault ??= messageOf(fault);
    }
  }

  #nearest(wanted: Instant): Snapshot | undefined {
    return this.#snapshots.toSorted((a, b) => Math.abs(a.at - wanted) - Math.abs(b.at - wanted))[0];
  }
}
