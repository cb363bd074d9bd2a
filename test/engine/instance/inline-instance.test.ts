import { describe, expect, it } from 'vitest';
import type { BatchRunner } from '../../../engine/instance/batch-runner.js';
import { InlineInstance } from '../../../engine/instance/inline-instance.js';
import { LONGEST_INLINE_RUN_NS } from '../../../engine/instance/run-watch.js';
import { SharedSlots } from '../../../engine/instance/shared-slots.js';
import { planSlotLayout } from '../../../engine/instance/slot-layout.js';
import { seconds } from '../../../src/common/units.js';
import { ManualClock } from '../../support/manual-clock.js';

const shape = { dataType: 'FP32', dims: [4], clientDims: [4] } as const;
const layout = planSlotLayout([{ name: 'X', ...shape }], [{ name: 'Y', ...shape }], 8)!;

interface Finished {
  readonly slot: number;
  readonly rows: number;
  readonly instance: number;
  readonly error: string | undefined;
  readonly inferNs: number;
}

/** A stand-in whose runs take the time that a test says, before slots that nobody else takes from. */
class Bench {
  readonly clock = new ManualClock();
  readonly finished: Finished[] = [];
  readonly pauses: number[] = [];
  readonly slots: SharedSlots;
  readonly inline: InlineInstance;
  runNs = 1000;
  failure: string | undefined;
  mayRun = true;
  onTurn: () => void = () => undefined;
  instances: readonly number[] = [0];
  #turns: (() => void)[] = [];
  #next = 0;

  constructor({ isOrdered = false, slotCount = 4 } = {}) {
    this.slots = new SharedSlots({
      slotCount,
      layout,
      isOrdered,
      onDone: (slot, control) => {
        const { inferStartNs, inferEndNs } = control.times;
        const { takenRows: rows, instance, error } = control;
        this.finished.push({ slot, rows, instance, error, inferNs: inferEndNs - inferStartNs });
        this.slots.release(slot);
      },
    });
    const runner: BatchRunner = {
      run: () => {
        if (this.failure !== undefined) throw new Error(this.failure);
        const at = this.clock.now();
        const endNs = at + this.runNs;
        return { times: { computeStartNs: at, inferStartNs: at, inferEndNs: endNs, computeEndNs: endNs } };
      },
      close: () => undefined,
    };
    this.inline = new InlineInstance({
      runner,
      maxRows: layout.maxRows,
      slots: this.slots,
      nextInstance: () => this.instances[this.#next++ % this.instances.length]!,
      mayRun: () => this.mayRun,
      clock: this.clock,
      onPause: (pause) => this.pauses.push(pause),
      onTurn: () => this.onTurn(),
      schedule: (callback) => this.#turns.push(callback),
    });
    this.slots.acceptsInline = () => this.inline.accepts();
  }

  publish(rows: number): number {
    const slot = this.slots.take()!;
    this.slots.publish(slot, rows);
    return slot;
  }

  /** Lets the event loop turn once; how many callbacks it had. */
  turn(): number {
    const due = this.#turns.splice(0);
    for (const callback of due) callback();
    return due.length;
  }

  bells(publish: () => void): number {
    const before = this.slots.ring.workBell;
    publish();
    return this.slots.ring.workBell - before;
  }
}

describe('running batches on the thread that places them', () => {
  it('runs what was placed within a turn, in order, without waking a thread', () => {
    const bench = new Bench();
    const rung = bench.bells(() => {
      bench.publish(2);
      bench.publish(3);
    });
    expect([rung, bench.finished.length]).toEqual([0, 0]);
    expect(bench.turn()).toBe(1);
    expect(bench.finished.map(({ rows }) => rows)).toEqual([2, 3]);
    expect(bench.finished.map(({ inferNs }) => inferNs)).toEqual([1000, 1000]);
    expect([bench.slots.runningCount, bench.slots.ring.waitingCount, bench.slots.busy.size]).toEqual([0, 0, 0]);
  });

  it('lets a batch grow until the end of the turn that brought it', () => {
    const bench = new Bench();
    const slot = bench.publish(1);
    expect(bench.slots.controlOf(slot).grow(1, 5)).toBe(true);
    bench.turn();
    expect(bench.finished.map(({ rows }) => rows)).toEqual([5]);
    expect(bench.slots.controlOf(slot).grow(5, 6)).toBe(false);
  });

  it('reports a batch that was withdrawn as one without rows', () => {
    const bench = new Bench();
    const slot = bench.publish(3);
    bench.slots.controlOf(slot).withdraw(3);
    bench.turn();
    expect(bench.finished).toMatchObject([{ slot, rows: 0, error: undefined }]);
  });

  it('fails the batch whose run fails, and goes on', () => {
    const bench = new Bench();
    bench.failure = 'out of range';
    bench.publish(1);
    bench.turn();
    bench.failure = undefined;
    bench.publish(1);
    bench.turn();
    expect(bench.finished.map(({ error }) => error)).toEqual(['out of range', undefined]);
  });

  it('runs in the names of the instances in turn', () => {
    const bench = new Bench();
    bench.instances = [4, 7];
    for (let batch = 0; batch < 4; batch++) bench.publish(1);
    bench.turn();
    expect(bench.finished.map(({ instance }) => instance)).toEqual([4, 7, 4, 7]);
  });

  it('keeps the order of publishing where that is wanted, even behind a batch that a thread runs', () => {
    const bench = new Bench({ isOrdered: true });
    const first = bench.publish(1);
    const { ring } = bench.slots;
    expect(ring.pop()).toBe(first);
    const control = bench.slots.controlOf(first);
    control.claim(9, ring.ticket);
    bench.publish(2);
    bench.turn();
    expect(bench.finished).toEqual([]);
    control.finish({ computeStartNs: 0, inferStartNs: 0, inferEndNs: 0, computeEndNs: 0 }, undefined, false);
    ring.ringDone();
    bench.publish(3);
    bench.turn();
    expect(bench.finished.map(({ rows }) => rows)).toEqual([1, 2, 3]);
  });

  it('does not run a batch that was taken from the ring for another, under a new ticket', () => {
    const bench = new Bench();
    const slot = bench.publish(2);
    const control = bench.slots.controlOf(slot);
    control.renew(bench.slots.ring.nextTicket);
    bench.turn();
    expect([bench.finished.length, control.isTaken, control.isDone]).toEqual([0, false, false]);
    bench.slots.ring.push(slot);
    bench.inline.accepts();
    bench.turn();
    expect(bench.finished).toMatchObject([{ slot, rows: 2, error: undefined }]);
  });

  it('leaves the model to its threads when runs have become long, wakes them for what waits, and comes back later', () => {
    const bench = new Bench({ slotCount: 16 });
    bench.publish(1);
    bench.turn();
    bench.runNs = LONGEST_INLINE_RUN_NS + 1;
    const rung = bench.bells(() => {
      for (let batch = 0; batch < 11; batch++) bench.publish(1);
      bench.turn();
    });
    expect(bench.pauses).toEqual([seconds(1)]);
    expect([bench.finished.length, bench.slots.ring.waitingCount, rung]).toEqual([10, 2, 1]);
    expect(bench.bells(() => bench.publish(1))).toBe(1);
    expect(bench.turn()).toBe(0);
    bench.clock.advance(seconds(1));
    bench.runNs = 1000;
    expect(bench.bells(() => bench.publish(1))).toBe(0);
    bench.turn();
    expect(bench.slots.ring.waitingCount).toBe(0);
  });

  it('does not judge by the first run of a number of rows', () => {
    const bench = new Bench();
    bench.runNs = LONGEST_INLINE_RUN_NS * 100;
    for (const rows of [1, 2, 3, 4, 5, 6, 7, 8]) {
      bench.publish(rows);
      bench.turn();
    }
    expect(bench.pauses).toEqual([]);
  });

  it('takes nothing while something else keeps it from running, and wakes threads for what it had accepted', () => {
    const bench = new Bench();
    bench.publish(1);
    bench.mayRun = false;
    expect(bench.bells(() => bench.turn())).toBe(1);
    expect(bench.finished).toEqual([]);
    expect(bench.bells(() => bench.publish(1))).toBe(1);
  });

  it('has what came within a turn placed at its end, all at once, and runs that', () => {
    const bench = new Bench();
    let waiting = 3;
    bench.onTurn = () => {
      for (; waiting > 0; waiting--) bench.publish(waiting);
    };
    expect([bench.inline.arrangesTurn(), bench.inline.arrangesTurn(), bench.finished.length]).toEqual([true, true, 0]);
    expect([bench.turn(), bench.turn()]).toEqual([1, 0]);
    expect(bench.finished.map(({ rows }) => rows)).toEqual([3, 2, 1]);
  });

  it('promises no turn while it may not run, and places what it promised to even when it was stopped since', () => {
    const bench = new Bench();
    let turns = 0;
    bench.onTurn = () => {
      turns++;
    };
    bench.mayRun = false;
    expect(bench.inline.arrangesTurn()).toBe(false);
    bench.mayRun = true;
    expect(bench.inline.arrangesTurn()).toBe(true);
    bench.inline.stop();
    bench.turn();
    expect([turns, bench.inline.arrangesTurn()]).toEqual([1, false]);
  });

  it('takes nothing once it is stopped', () => {
    const bench = new Bench();
    bench.publish(1);
    bench.inline.stop();
    bench.turn();
    expect(bench.finished).toEqual([]);
    expect(bench.bells(() => bench.publish(1))).toBe(1);
  });
});
