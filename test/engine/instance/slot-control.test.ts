import { describe, expect, it } from 'vitest';
import { NOT_YOURS, SlotControl, slotControlBytes } from '../../../engine/instance/slot-control.js';
import { WorkRing, workRingBytes } from '../../../engine/instance/work-ring.js';

const TICKET = 7;

describe('the control words of a batch slot', () => {
  const create = () => new SlotControl(new SharedArrayBuffer(slotControlBytes(2)), 1);
  const times = { computeStartNs: 2 ** 52, inferStartNs: 2, inferEndNs: 3, computeEndNs: 4 };

  it('let rows be added until an instance takes the batch', () => {
    const control = create();
    control.publish(2, 0, TICKET);
    expect(control.grow(2, 5)).toBe(true);
    expect(control.grow(2, 6)).toBe(false);
    expect(control.isTaken).toBe(false);
    expect(control.claim(3, TICKET)).toBe(5);
    expect([control.isTaken, control.instance, control.takenRows]).toEqual([true, 3, 5]);
    expect(control.grow(5, 6)).toBe(false);
  });

  it('let a batch be withdrawn until an instance takes it', () => {
    const control = create();
    control.publish(2, 0, TICKET);
    expect(control.withdraw(2)).toBe(true);
    expect(control.claim(0, TICKET)).toBe(0);
    control.publish(2, 0, TICKET);
    control.claim(0, TICKET);
    expect(control.withdraw(2)).toBe(false);
  });

  it('let only the holder of the ticket claim the batch, and only once', () => {
    const control = create();
    control.publish(2, 0, TICKET);
    expect(control.claim(0, TICKET - 1)).toBe(NOT_YOURS);
    expect([control.isTaken, control.instance]).toEqual([false, -1]);
    expect(control.claim(1, TICKET)).toBe(2);
    expect(control.claim(2, TICKET)).toBe(NOT_YOURS);
    expect([control.instance, control.takenRows]).toEqual([1, 2]);
    control.publish(3, 0, TICKET + 1);
    expect(control.claim(2, TICKET)).toBe(NOT_YOURS);
    expect(control.grow(3, 4)).toBe(true);
  });

  it('make an old ticket worthless unless its holder was quicker', () => {
    const control = create();
    control.publish(2, 0, TICKET);
    expect(control.renew(9)).toBe(true);
    expect(control.claim(0, TICKET)).toBe(NOT_YOURS);
    expect(control.claim(1, 9)).toBe(2);
    expect(control.renew(10)).toBe(false);
    expect([control.instance, control.ticket]).toEqual([1, 9]);
  });

  it('close a batch that fails with the instance that had claimed it', () => {
    const control = create();
    control.publish(2, 0, TICKET);
    control.fail('the instance is gone');
    expect([control.isTaken, control.takenRows, control.error]).toEqual([true, 2, 'the instance is gone']);
    expect(control.grow(2, 3)).toBe(false);
  });

  it('carry times and an error of any length, and forget the error', () => {
    const control = create();
    control.publish(1, 0, TICKET);
    control.claim(0, TICKET);
    control.finish(times, `${'long '.repeat(500)}ü`, false);
    expect(control.isDone).toBe(true);
    expect(control.times).toEqual(times);
    expect(control.error).toMatch(/^long long/);
    control.publish(1, 0, TICKET);
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

  it('counts what waits, and gives each slot a ticket of its own', () => {
    const ring = create(3);
    const tickets = [0, 1, 0].map((slot) => {
      const ticket = ring.nextTicket;
      ring.push(slot);
      return ticket;
    });
    expect([ring.waitingCount, new Set(tickets).size]).toEqual([3, 3]);
    const taken = tickets.map(() => [ring.pop(), ring.ticket]);
    expect(taken).toEqual([0, 1, 0].map((slot, place) => [slot, tickets[place]]));
    expect(ring.waitingCount).toBe(0);
  });

  it('calls back when a bell rang before the call', async () => {
    const ring = create(1);
    const seen = ring.doneBell;
    ring.ringDone();
    await new Promise<void>((resolve) => ring.onDone(seen, resolve));
  });
});
