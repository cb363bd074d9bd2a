import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServeOrder, SpillMessage } from '../../../engine/instance/instance-messages.js';
import { InstanceState } from '../../../engine/instance/instance-state.js';
import { SharedSlots } from '../../../engine/instance/shared-slots.js';
import { NOT_YOURS, SlotControl } from '../../../engine/instance/slot-control.js';
import { WorkRing } from '../../../engine/instance/work-ring.js';

const times = { computeStartNs: 1, inferStartNs: 2, inferEndNs: 3, computeEndNs: 4 };

/** What an instance's thread has, in the hands of a test that takes each of its steps by itself. */
class SteppedInstance {
  readonly ring: WorkRing;
  readonly port: MessagePort;
  readonly #order: ServeOrder;

  constructor(slots: SharedSlots, id: number) {
    this.#order = slots.createOrder(id, new InstanceState());
    this.ring = new WorkRing(this.#order.ring, this.#order.slotCapacity);
    this.port = this.#order.port;
  }

  control = (slot: number) => new SlotControl(this.#order.control, slot);

  /** Takes the next slot from the ring and goes no further. */
  pop(): { readonly slot: number; readonly ticket: number } {
    return { slot: this.ring.pop()!, ticket: this.ring.ticket };
  }

  claim({ slot, ticket }: { slot: number; ticket: number }): number {
    return this.control(slot).claim(this.#order.instance, ticket);
  }

  finish(slot: number, error?: string): void {
    this.control(slot).finish(times, error, false);
    this.ring.ringDone();
  }

  spill({ slot, ticket }: { slot: number; ticket: number }, text: string): void {
    const buffer = new SharedArrayBuffer(text.length);
    new Uint8Array(buffer).set(Buffer.from(text));
    this.port.postMessage({ slot, ticket, buffer } satisfies SpillMessage);
    this.control(slot).finish(times, undefined, true);
  }
}

interface Report {
  readonly slot: number;
  readonly error: string | undefined;
  readonly text: string;
}

const opened: SharedSlots[] = [];
afterEach(() => {
  for (const slots of opened.splice(0)) {
    slots.stop();
    slots.close();
  }
});

function open(isOrdered = false) {
  const reports: Report[] = [];
  const slots: SharedSlots = new SharedSlots({
    slotCount: 4,
    layout: undefined,
    isOrdered,
    onDone(slot, control) {
      reports.push({ slot, error: control.error, text: Buffer.from(slots.bytesOf(slot, 0)).toString() });
      slots.release(slot);
    },
  });
  opened.push(slots);
  const publish = (): number => {
    const slot = slots.take()!;
    slots.publish(slot, 1);
    return slot;
  };
  const instances = [0, 1, 2].map((id) => new SteppedInstance(slots, id));
  return { slots, reports, publish, instances };
}

describe('outputs that come beside their slots', () => {
  it('belong to the batch they were computed for, in whatever order batches end and are looked at', () => {
    const { slots, reports, publish, instances } = open();
    const [instance] = instances;
    const [first, second, third] = [publish(), publish(), publish()];
    const taken = [instance!.pop(), instance!.pop(), instance!.pop()];
    for (const one of taken) instance!.claim(one);
    instance!.spill(taken[2]!, 'third');
    instance!.spill(taken[0]!, 'first');
    instance!.spill(taken[1]!, 'second');
    slots.watch();
    expect(reports).toEqual([
      { slot: first, error: undefined, text: 'first' },
      { slot: second, error: undefined, text: 'second' },
      { slot: third, error: undefined, text: 'third' },
    ]);
  });

  it('never belong to a later batch of the same slot: that one fails instead', () => {
    const { slots, reports, publish, instances } = open();
    const [instance] = instances;
    publish();
    const early = instance!.pop();
    instance!.claim(early);
    const buffer = new SharedArrayBuffer(1);
    // Sent for a batch that then failed.
    instance!.port.postMessage({ slot: early.slot, ticket: early.ticket, buffer } satisfies SpillMessage);
    instance!.finish(early.slot, 'out of memory');
    slots.watch();
    expect(publish()).toBe(early.slot);
    instance!.claim(instance!.pop());
    instance!.control(early.slot).finish(times, undefined, true);
    slots.watch();
    expect(reports.map(({ error }) => error)).toEqual(['out of memory', expect.stringContaining('did not arrive')]);
  });
});

describe('a batch whose instance ends', () => {
  it('fails when the instance had claimed it, and is left alone when another had', () => {
    const { slots, reports, publish, instances } = open();
    const [dead, alive] = instances;
    const [first, second] = [publish(), publish()];
    dead!.claim(dead!.pop());
    alive!.claim(alive!.pop());
    slots.abandonedBy(0, 'gone');
    alive!.finish(second);
    slots.watch();
    expect(reports.map(({ slot, error }) => [slot, error])).toEqual([
      [first, expect.stringMatching(/^gone/)],
      [second, undefined],
    ]);
    expect(slots.runningCount).toBe(0);
  });

  it('runs on another when it was taken and not claimed; whoever comes late for it gets nothing', () => {
    const { slots, reports, publish, instances } = open();
    const [dead, late, quick] = instances;
    const [first, second] = [publish(), publish()];
    dead!.pop();
    const stalled = late!.pop();
    slots.abandonedBy(0, 'gone');
    const again = [quick!.pop(), quick!.pop()];
    expect(again.map(({ slot }) => slot)).toEqual([first, second]);
    expect(again.map((one) => quick!.claim(one))).toEqual([1, 1]);
    expect(late!.claim(stalled)).toBe(NOT_YOURS);
    for (const { slot } of again) quick!.finish(slot);
    slots.watch();
    expect(reports.map(({ error }) => error)).toEqual([undefined, undefined]);
    // The slot is free and used again: still not the late one's.
    publish();
    publish();
    expect(late!.claim(stalled)).toBe(NOT_YOURS);
    expect([slots.ring.waitingCount, slots.runningCount]).toEqual([2, 0]);
  });

  it('is reported when the instance ended between finishing it and saying so', async () => {
    const { slots, reports, publish, instances } = open();
    const [dead] = instances;
    slots.watch();
    const slot = publish();
    dead!.claim(dead!.pop());
    dead!.control(slot).finish(times, undefined, false);
    slots.abandonedBy(0, 'gone');
    while (reports.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(reports).toEqual([{ slot, error: undefined, text: '' }]);
    expect(slots.runningCount).toBe(0);
  });
});

describe('the count of running batches', () => {
  it.each([false, true])('is exact before and after they are looked at (ordered: %s)', (isOrdered) => {
    const { slots, publish, instances } = open(isOrdered);
    const [one, other] = instances;
    const [, second] = [publish(), publish(), publish()];
    expect(slots.runningCount).toBe(0);
    one!.claim(one!.pop());
    other!.claim(other!.pop());
    expect(slots.runningCount).toBe(2);
    other!.finish(second);
    expect(slots.runningCount).toBe(1);
    slots.watch();
    expect(slots.runningCount).toBe(1);
  });
});

describe('memory of a slot', () => {
  it('is sent with its slot and generation, so that a thread never takes older memory for newer', () => {
    const { slots, instances } = open();
    const slot = slots.take()!;
    slots.bytesOf(slot, 100);
    slots.bytesOf(slot, 1000);
    const messages = [0, 1].map(() => receiveMessageOnPort(instances[0]!.port)!.message as Record<string, unknown>);
    expect(messages).toMatchObject([
      { slot, generation: 1 },
      { slot, generation: 2 },
    ]);
  });
});
