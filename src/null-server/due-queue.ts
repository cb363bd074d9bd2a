/**
 * Answers that wait for their instant, each written as close to it as an event loop can: a timer for the far, turns of the
 * loop for the last millisecond and a half. Node's timers alone would be half a millisecond late.
 */
import { nowNs } from '../common/clock.js';

/** Closer than this a timer is too coarse. */
const SPIN_NS = 1_500_000;

interface Waiting {
  readonly dueNs: number;
  readonly write: () => void;
}

export class DueQueue {
  /** A binary heap; the earliest is first. */
  readonly #heap: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isSpinning = false;

  add(dueNs: number, write: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ dueNs, write }) - 1;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.dueNs <= dueNs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = { dueNs, write };
    if (at === 0) this.#wait();
  }

  /** Forgets what still waits. */
  close(): void {
    this.#heap.length = 0;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const first = this.#heap[0];
    if (first === undefined || this.#isSpinning) return;
    const leftNs = first.dueNs - nowNs();
    if (leftNs > SPIN_NS) {
      this.#timer = setTimeout(() => this.#wait(), Math.max(1, Math.floor((leftNs - SPIN_NS) / 1e6)));
      return;
    }
    this.#isSpinning = true;
    setImmediate(() => this.#spin());
  }

  #spin(): void {
    this.#isSpinning = false;
    const now = nowNs();
    for (let first = this.#heap[0]; first !== undefined && first.dueNs <= now; first = this.#heap[0]) {
      this.#removeFirst();
      first.write();
    }
    this.#wait();
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueNs < heap[child]!.dueNs) child++;
      if (heap[child]!.dueNs >= last.dueNs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
