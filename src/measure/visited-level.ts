/**
 * A level whose time is spent in several visits, with other levels between them. It has its least time in equal visits, and then
 * further ones until its confidence target is met or its most time is over. Knows nothing of the other levels.
 */
import { deriveSeed } from '../common/random.js';
import { type Instant, type Nanos, nanos } from '../common/units.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type { EndReason, LevelRecord } from '../record/run-record.js';
import { type MeasureLevelOptions, makeVisit } from './measure-level.js';
import { ownEndReason } from './own-end.js';
import { isPreciseEnough, planLooks } from './stop-rule.js';
import {
  countedVisits,
  type SettledVisit,
  type SummaryOptions,
  settleVisit,
  summarizeVisits,
} from './summarize-visit.js';
import { joinRows, spliceBounds, spliceVisits } from './visits/splice.js';
import { openVisitedWindow } from './visits/visited-window.js';
import { requestsTogether } from './windows/requests-together.js';

/** A shorter visit is mostly its own beginning. */
const LEAST_VISIT_NS = 0.4e9;
/** Responses that a visit needs to say something on its own, and turns of each slot. */
const MIN_RESPONSES = 100;
const MIN_TURNS = 4;
/** Two instants this near are the same look. */
const TOLERANCE_NS = 1e7;

/** How many visits share the level's least time; 1 where it stays one stretch. */
export function visitCountOf(rule: StopRule, level: LoadLevel): number {
  const { visitCount = 1, minDuration, windows } = rule;
  if (windows !== undefined || ownEndReason(level) !== undefined) return 1;
  const fitting = Math.min(visitCount, Math.floor(minDuration / LEAST_VISIT_NS));
  // An interval from two visits says next to nothing.
  return fitting < 3 ? 1 : fitting;
}

export type VisitedLevelOptions = MeasureLevelOptions & SummaryOptions;

export class VisitedLevel {
  readonly level: LoadLevel;
  readonly #options: VisitedLevelOptions;
  readonly #visitNs: number;
  readonly #settled: SettledVisit[] = [];
  #latest: RequestColumns | undefined;
  #spentNs = 0;
  #begun: Instant | undefined;
  #endReason: EndReason | undefined;

  constructor(options: VisitedLevelOptions) {
    this.level = options.level;
    this.#options = options;
    this.#visitNs = options.rule.minDuration / visitCountOf(options.rule, options.level);
  }

  get isOver(): boolean {
    return this.#endReason !== undefined;
  }

  /** Time spent at the level so far, over all visits. */
  get spentNs(): number {
    return this.#spentNs;
  }

  /** When its latest visit began. */
  get begun(): Instant | undefined {
    return this.#begun;
  }

  /** Makes the next visit. Rejects as measureLevel does. */
  async visit(progress: Pick<MeasureLevelOptions, 'levelIndex' | 'levelCount' | 'leftNs'>): Promise<void> {
    const isFirst = this.#settled.length === 0;
    const duration = nanos(this.#nextNs());
    const count = Math.max(visitCountOf(this.#options.rule, this.level), this.#settled.length + 1);
    const options = {
      ...this.#options,
      ...progress,
      level: this.#levelOf(this.#settled.length),
      spentNs: this.#spentNs,
      visit: { index: this.#settled.length, count },
    };
    this.#begun = options.clock.now();
    const turns = this.level.kind === 'closed' ? MIN_TURNS * this.level.concurrency : 0;
    const minResponses = isFirst ? Math.max(MIN_RESPONSES, turns) : 0;
    const visit = await makeVisit(options, { duration, minResponses, isFirst });
    const settled = await settleVisit(this.level, visit, isFirst);
    const isCutShort = visit.endReason === 'interrupted' && visit.end - visit.begin < duration / 2;
    const isCounted = isFirst || !isCutShort;
    if (isCounted) this.#settled.push(settled);
    this.#latest = isCounted ? visit.columns : undefined;
    this.#spentNs += visit.end - visit.begin;
    if (visit.endReason !== 'visit-over') this.#endReason = visit.endReason;
    else if (settled.lastAnswer !== undefined) this.#endReason = 'failed';
    else this.#endReason = this.#look();
  }

  /** The run is over: nothing more is to come. */
  interrupt(): void {
    this.#endReason ??= 'interrupted';
  }

  /** Of the visits so far; one that has more to come counts as interrupted. */
  record(): LevelRecord {
    return summarizeVisits(this.#options, this.#settled, this.#endReason ?? 'interrupted');
  }

  /** Every row of the visits so far. */
  columns(): RequestColumns {
    return joinRows(this.#settled.map(({ visit }) => visit.columns));
  }

  /** Of the latest visit; undefined where it was cut so short that it does not count. */
  visitColumns(): RequestColumns | undefined {
    return this.#latest;
  }

  /** Visits with the same arrivals would differ less than repeats do. */
  #levelOf(visit: number): LoadLevel {
    if (this.level.kind === 'closed' || visit === 0) return this.level;
    return { ...this.level, seed: deriveSeed(this.level.seed, visit) };
  }

  #nextNs(): number {
    const { rule } = this.#options;
    if (this.#spentNs < rule.minDuration - TOLERANCE_NS) {
      return Math.min(this.#visitNs, Math.max(LEAST_VISIT_NS, rule.minDuration - this.#spentNs));
    }
    const next = planLooks(rule).find((look) => look > this.#spentNs + TOLERANCE_NS) ?? rule.maxDuration;
    return Math.max(LEAST_VISIT_NS, Math.min(next, rule.maxDuration) - this.#spentNs);
  }

  #look(): EndReason | undefined {
    const { rule } = this.#options;
    const count = visitCountOf(rule, this.level);
    if (this.#settled.length < count || this.#spentNs < rule.minDuration - TOLERANCE_NS * count) return undefined;
    const counted = countedVisits(this.#settled);
    const columns = spliceVisits(counted.map(({ visit, from, to }) => ({ columns: visit.columns, from, to })));
    const together = requestsTogether(this.level, columns);
    const window = openVisitedWindow(columns, spliceBounds(counted), together);
    if (isPreciseEnough(window, rule, this.columns().length)) return 'target-met';
    return this.#spentNs >= rule.maxDuration - TOLERANCE_NS * count ? 'time-over' : undefined;
  }
}

/** From the begin of a visit to that of the level's next at least, so that a level alone is spread over some time too. */
export const leastRoundNs = (rule: StopRule, level: LoadLevel): Nanos =>
  nanos((1.5 * rule.minDuration) / visitCountOf(rule, level));
