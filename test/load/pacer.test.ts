import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { nowNs } from '../../src/common/clock.js';
import { LoopPacing } from '../../src/load/loop-pacer.js';
import { type Pacer, PacerThread, type Pacing } from '../../src/load/pacer.js';
import { systemCalls } from '../../src/load/system-calls.js';

const MILLI = 1_000_000;

const ways: readonly (readonly [string, () => Promise<Pacing>])[] = [
  ['a sleeping thread', async () => new PacerThread()],
  ...(systemCalls() === undefined
    ? []
    : [['the event loop’s own descriptor', async () => (await LoopPacing.open())!] as const]),
];

describe.each(ways)('a pacer on %s', (_, open) => {
  const threads: Pacing[] = [];
  // Keeps the loop alive, as a load worker's port does.
  const keepAlive = setInterval(() => undefined, 1000);
  afterEach(() => {
    for (const thread of threads.splice(0)) thread.close();
    clearInterval(keepAlive);
  });

  it('wakes once for each instant asked for, in order and never before it', async () => {
    const thread = await open();
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
    const thread = await open();
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

  it('counts the time that it waited as idle', async () => {
    const thread = await open();
    threads.push(thread);
    const start = nowNs();
    await new Promise<void>((resolve) => {
      let count = 0;
      const pacer: Pacer = thread.createPacer(() => {
        if (++count === 20) resolve();
        else pacer.wakeAt(nowNs() + 2 * MILLI);
      });
      pacer.wakeAt(nowNs() + 2 * MILLI);
    });
    const { idleNs, sleptNs } = thread;
    // The other one sleeps on its own thread, where this loop's time does not pass.
    if (thread instanceof LoopPacing) expect(sleptNs).toBeGreaterThan(10 * MILLI);
    else expect(sleptNs).toBe(0);
    expect(idleNs).toBeLessThanOrEqual(nowNs() - start);
    expect(sleptNs).toBeLessThanOrEqual(idleNs);
  });

  it('lets what comes to the event loop through while it waits', async () => {
    const thread = await open();
    threads.push(thread);
    const seen: string[] = [];
    const pacer = thread.createPacer(() => seen.push('instant'));
    const { port1, port2 } = new MessageChannel();
    const arrived = new Promise<void>((resolve) => {
      port1.once('message', () => {
        seen.push('message');
        resolve();
      });
    });
    pacer.wakeAt(nowNs() + 500 * MILLI);
    port2.postMessage(undefined);
    await arrived;
    pacer.close();
    port1.close();
    expect(seen).toEqual(['message']);
  });
});
