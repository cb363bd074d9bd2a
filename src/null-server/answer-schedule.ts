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

  /** When the freeze begins and ends; undefined without one, and before the first request. */
  get freezeNs(): { readonly begin: number; readonly end: number } | undefined {
    const { freeze } = this.#behavior;
    if (freeze === undefined || this.#firstNs === undefined) return undefined;
    const begin = this.#firstNs + freeze.afterNs;
    return { begin, end: begin + freeze.durationNs };
  }

  /** The instant at which the request that came at `nowNs` is answered; undefined for never. */
  next(nowNs: number): number | undefined {
    const { dropEvery, limitPerSec } = this.#behavior;
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
    const freeze = this.freezeNs;
    return freeze !== undefined && dueNs >= freeze.begin && dueNs < freeze.end ? freeze.end : dueNs;
  }
}

function delayOf({ delay }: NullBehavior): () => number {
  if (delay.kind === 'none') return () => 0;
  if (delay.kind === 'fixed') return () => delay.delayNs;
  const rng = createRng(delay.seed);
  return () => -Math.log(1 - rng.next()) * delay.meanNs;
}
