import { describe, expect, it } from 'vitest';
import { SlotControl, slotControlBytes } from '../../../engine/instance/slot-control.js';
import { WorkRing, workRingBytes } from '../../../engine/instance/work-ring.js';

describe('the control words of a batch slot', () => {
  const create = () => new SlotControl(new SharedArrayBuffer(slotControlBytes(2)), 1);
  const times = { computeStartNs: 2 ** 52, inferStartNs: 2, inferEndNs: 3, computeEndNs: 4 };

  it('let rows be added until an instance takes the batch', () => {
    const control = create();
    control.publish(2, 0);
    expect(control.grow(2, 5)).toBe(true);
    expect(control.grow(2, 6)).toBe(false);
    expect(control.isTaken).toBe(false);
    expect(control.take(3)).toBe(5);
    expect([control.isTaken, control.instance, control.takenRows]).toEqual([true, 3, 5]);
    expect(control.grow(5, 6)).toBe(false);
  });

  it('let a batch be withdrawn until an instance takes it', () => {
    const control = create();
    control.publish(2, 0);
    expect(control.withdraw(2)).toBe(true);
    expect(control.take(0)).toBe(0);
    control.publish(2, 0);
    control.take(0);
    expect(control.withdraw(2)).toBe(false);
  });

  it('carry times and an error of any length, and forget the error', () => {
    const control = create();
    control.publish(1, 0);
    control.take(0);
    control.finish(times, `${'long '.repeat(500)}ü`, false);
    expect(control.isDone).toBe(true);
    expect(control.times).toEqual(times);
    expect(control.error).toMatch(/^long long/);
    control.publish(1, 0);
    expect([control.isDone, control.error]).toEqual([false, undefined]);
  });
});

describe('the ring of published slots', () => {
  const create = (slots: number) => new WorkRing(new SharedArrayBuffer(workRingBytes(slots)), slots);

  it('gives slots in the order in which they were published, round after round', () => {
    const ring = create(3);
    for (let round = 0; round < 10; round++) {
      for (const slot of [2, 0, 1]) ring.push(slot);
      expect([ring.pop(), ring.pop(), ring.pop(), ring.pop()]).toEqual([2, 0, 1, undefined]);
    }
  });

  it('counts what waits and what runs', () => {
    const ring = create(3);
    ring.push(0);
    ring.push(1);
    expect([ring.waitingCount, ring.runningCount]).toEqual([2, 0]);
    ring.pop();
    expect([ring.waitingCount, ring.runningCount]).toEqual([1, 1]);
    ring.reportDone();
    expect([ring.waitingCount, ring.runningCount]).toEqual([1, 0]);
  });

  it('calls back when a bell rang before the call', async () => {
    const ring = create(1);
    const seen = ring.doneBell;
    ring.reportDone();
    await new Promise<void>((resolve) => ring.onDone(seen, resolve));
  });
});
