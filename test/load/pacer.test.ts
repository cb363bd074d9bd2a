import { afterEach, describe, expect, it } from 'vitest';
import { nowNs } from '../../src/common/clock.js';
import { type Pacer, PacerThread } from '../../src/load/pacer.js';

const MILLI = 1_000_000;

describe('the pacer', () => {
  const threads: PacerThread[] = [];
  // Keeps the loop alive, as a load worker's port does.
  const keepAlive = setInterval(() => undefined, 1000);
  afterEach(() => {
    for (const thread of threads.splice(0)) thread.close();
    clearInterval(keepAlive);
  });

  it('wakes once for each instant asked for, in order and never before it', async () => {
    const thread = new PacerThread();
    threads.push(thread);
    // Far, near, and already past.
    const start = nowNs() + 30 * MILLI;
    const instants = [0, 0.05, 0.06, 3, 3, 25, 25.2].map((ms) => start + ms * MILLI);
    const woken: number[] = [];
    await new Promise<void>((resolve) => {
      const pacer: Pacer = thread.createPacer(() => {
        woken.push(nowNs());
        const next = instants[woken.length];
        if (next === undefined) resolve();
        else pacer.wakeAt(next);
      });
      pacer.wakeAt(instants[0]!);
    });
    expect(woken).toHaveLength(instants.length);
    for (const [index, at] of woken.entries()) expect(at).toBeGreaterThanOrEqual(instants[index]!);
    expect(woken).toEqual(woken.toSorted((a, b) => a - b));
  });

  it('forgets an instant when it is given another, and wakes no more once closed', async () => {
    const thread = new PacerThread();
    threads.push(thread);
    let count = 0;
    const first = thread.createPacer(() => count++);
    first.wakeAt(nowNs() + 5 * MILLI);
    first.close();
    // The next level's pacer on the same thread.
    const woken = new Promise<void>((resolve) => {
      const second = thread.createPacer(resolve);
      second.wakeAt(nowNs() + 3600e9);
      second.wakeAt(nowNs() + 20 * MILLI);
    });
    await woken;
    expect(count).toBe(0);
  });
});
