/** When each request is answered: a pure decision from the behaviour asked for and the instants of the requests. */
import { createRng } from '../common/random.js';
import type { NullBehavior } from './null-behavior.js';

export class AnswerSchedule {
  readonly #behavior: NullBehavior;
  readonly #drawDelayNs: () => number;
  #requestCount = 0;
  #droppedCount = 0;
  #firstNs: number | undefined;
  #freeNs = -Infinity;

  constructor(behavior: NullBehavior) {
    this.#behavior = behavior;
    this.#drawDelayNs = delayOf(behavior);
  }

  get requestCount(): number {
    return this.#requestCount;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** The instant at which the request that came at `nowNs` is answered; undefined for never. */
  next(nowNs: number): number | undefined {
    const { dropEvery, freeze, limitPerSec } = this.#behavior;
    this.#firstNs ??= nowNs;
    this.#requestCount++;
    if (dropEvery !== undefined && this.#requestCount % dropEvery === 0) {
      this.#droppedCount++;
      return undefined;
    }
    let dueNs = nowNs + this.#drawDelayNs();
    if (limitPerSec !== undefined) {
      this.#freeNs = Math.max(this.#freeNs, nowNs) + 1e9 / limitPerSec;
      dueNs = Math.max(dueNs, this.#freeNs);
    }
    if (freeze === undefined) return dueNs;
    const beginNs = this.#firstNs + freeze.afterNs;
    const endNs = beginNs + freeze.durationNs;
    return dueNs >= beginNs && dueNs < endNs ? endNs : dueNs;
  }
}

function delayOf({ delay }: NullBehavior): () => number {
  if (delay.kind === 'none') return () => 0;
  if (delay.kind === 'fixed') return () => delay.delayNs;
  const rng = createRng(delay.seed);
  return () => -Math.log(1 - rng.next()) * delay.meanNs;
}
