import { describe, expect, it } from 'vitest';
import { micros } from '../../../src/common/units.js';
import { scriptScheduler as setUp, sizesOf as sizes } from '../../support/scripted-instances.js';

describe('a scheduler without a delay', () => {
  it('places a request at once and lets the batch grow until an instance takes it', () => {
    const { sink, enqueueMany } = setUp();
    enqueueMany(3);
    expect(sizes(sink)).toEqual([3]);
    sink.take();
    enqueueMany(2);
    expect(sink.executed).toEqual([[0, 1, 2]]);
    expect(sizes(sink)).toEqual([2]);
  });

  it('starts another batch when one is full, and queues when two wait behind a busy instance', () => {
    const { sink, scheduler, enqueueMany } = setUp();
    enqueueMany(1);
    const running = sink.take();
    enqueueMany(19);
    expect(sizes(sink)).toEqual([8, 8]);
    expect(scheduler.queuedCount).toBe(3);
    sink.finish(running);
    scheduler.dispatch();
    expect(sizes(sink)).toEqual([8, 8, 3]);
    expect(scheduler.queuedCount).toBe(0);
  });

  it('does not mix shapes', () => {
    const { sink, enqueue } = setUp();
    enqueue(1, 'a');
    enqueue(1, 'b');
    enqueue(1, 'b');
    expect(sizes(sink)).toEqual([1, 2]);
  });

  it('spreads work evenly over idle instances', () => {
    const { sink, enqueueMany } = setUp({}, 2);
    enqueueMany(7);
    expect(sizes(sink)).toEqual([4, 3]);
  });

  it('spreads what queued up evenly over instances that become idle together', () => {
    const { sink, scheduler, enqueueMany } = setUp({ maxBatchSize: 4, preferredBatchSizes: [4] }, 2);
    enqueueMany(2);
    const running = [sink.take(), sink.take()];
    enqueueMany(4 * 4 + 6);
    expect(scheduler.queuedCount).toBe(6);
    while (sink.waiting.length > 0) running.push(sink.take());
    for (const batch of running) sink.finish(batch);
    scheduler.dispatch();
    expect(sizes(sink)).toEqual([3, 3]);
  });

  it('fills one batch after the other while all instances are busy', () => {
    const { sink, enqueueMany } = setUp({}, 2);
    enqueueMany(2);
    sink.take();
    sink.take();
    enqueueMany(10);
    expect(sizes(sink)).toEqual([8, 2]);
  });

  it('keeps one batch growing where answers must keep their order', () => {
    const { sink, enqueueMany } = setUp({ preservesOrdering: true }, 2);
    enqueueMany(5);
    expect(sizes(sink)).toEqual([5]);
  });

  it('closes a batch at its preferred size', () => {
    const { sink, enqueueMany } = setUp({ preferredBatchSizes: [4] });
    enqueueMany(6);
    expect(sizes(sink)).toEqual([4, 2]);
  });
});

describe('a scheduler whose instances run in a moment, on its own thread', () => {
  it('places what comes until then all at once', () => {
    const { sink, scheduler, enqueueMany } = setUp();
    let asked = 0;
    Object.assign(sink, { dispatchesLater: () => ++asked > 0 });
    enqueueMany(11);
    expect([sizes(sink), scheduler.queuedCount, asked]).toEqual([[], 11, 1]);
    scheduler.dispatch();
    expect([sizes(sink), scheduler.queuedCount]).toEqual([[8, 3], 0]);
    enqueueMany(1);
    expect([scheduler.queuedCount, asked]).toEqual([1, 2]);
  });

  it('places at once again when they no longer do', () => {
    const { sink, enqueueMany } = setUp();
    Object.assign(sink, { dispatchesLater: () => false });
    enqueueMany(3);
    expect(sizes(sink)).toEqual([3]);
  });
});

describe('a scheduler with a delay', () => {
  const delayed = { maxQueueDelay: micros(100), preferredBatchSizes: [4] };

  it('waits for a preferred size', () => {
    const { sink, clock, enqueueMany } = setUp(delayed);
    enqueueMany(3);
    clock.advance(99_999);
    expect(sizes(sink)).toEqual([]);
    enqueueMany(1);
    expect(sizes(sink)).toEqual([4]);
  });

  it('dispatches what there is when the oldest request has waited for the delay', () => {
    const { sink, clock, enqueueMany, wakes } = setUp(delayed);
    enqueueMany(2);
    clock.advance(50_000);
    enqueueMany(1);
    clock.advance(49_999);
    expect(sizes(sink)).toEqual([]);
    clock.advance(1);
    expect(sizes(sink)).toEqual([3]);
    expect(wakes()).toBe(1);
  });

  it('counts the delay from the first request of the batch, not from the last batch', () => {
    const { sink, clock, enqueueMany } = setUp(delayed);
    enqueueMany(4);
    sink.take();
    clock.advance(80_000);
    enqueueMany(1);
    clock.advance(99_999);
    expect(sizes(sink)).toEqual([]);
    clock.advance(1);
    expect(sizes(sink)).toEqual([1]);
  });

  // Four requests, and eight more while those run: a Triton 2.51 with this config and a slow model executed 4, 5, 3
  // with a delay longer than the run, and 4, 8 with a shorter one.
  it('fills the waiting batch past its preferred size by the request that comes next, as Triton does', () => {
    const { sink, enqueueMany, clock } = setUp(delayed);
    enqueueMany(4);
    sink.take();
    enqueueMany(8);
    expect(sizes(sink)).toEqual([5]);
    clock.advance(100_000);
    expect(sink.executed).toEqual([[0, 1, 2, 3]]);
  });

  it('executes what has waited for a shorter time than the delay as it was formed', () => {
    const { sink, enqueueMany, clock } = setUp(delayed);
    enqueueMany(4);
    const first = sink.take();
    enqueueMany(8);
    clock.advance(50_000);
    sink.finish(first);
    sink.take();
    clock.advance(50_000);
    sink.take();
    expect(sink.executed.map((batch) => batch.length)).toEqual([4, 5, 3]);
  });

  it('merges waiting batches that are older than the delay', () => {
    const { sink, clock, enqueueMany } = setUp(delayed);
    enqueueMany(4);
    const first = sink.take();
    enqueueMany(8);
    clock.advance(99_999);
    expect(sizes(sink)).toEqual([5]);
    clock.advance(1);
    expect(sizes(sink)).toEqual([8]);
    sink.finish(first);
    sink.take();
    expect(sink.executed).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7, 8, 9, 10, 11],
    ]);
  });

  it('does not merge what would be larger than the max batch size', () => {
    const { sink, clock, enqueueMany } = setUp({ ...delayed, maxBatchSize: 6 });
    enqueueMany(4);
    sink.take();
    enqueueMany(8);
    clock.advance(300_000);
    expect(sizes(sink)).toEqual([5, 3]);
  });

  it('lets a reached delay override the preferred sizes', () => {
    const { sink, clock, enqueue } = setUp({ maxQueueDelay: micros(100), preferredBatchSizes: [6] });
    enqueue(2);
    enqueue(3);
    clock.advance(100_000);
    expect(sizes(sink)).toEqual([5]);
  });
});

describe('a scheduler without dynamic batching', () => {
  it('makes each request its own execution, whatever the max batch size is', () => {
    const { sink, scheduler, enqueueMany } = setUp({ isDynamic: false });
    enqueueMany(5);
    expect(sizes(sink)).toEqual([1, 1, 1]);
    expect(scheduler.queuedCount).toBe(2);
  });
});

describe('a cancelled request', () => {
  it('is dropped when the queue is looked at, and does not count towards a size', () => {
    const { sink, clock, enqueue } = setUp({ maxQueueDelay: micros(100), preferredBatchSizes: [4] });
    const requests = [enqueue(), enqueue(), enqueue()];
    requests[1]!.isGone = true;
    enqueue();
    expect(sizes(sink)).toEqual([]);
    expect(sink.dropped).toEqual([1]);
    clock.advance(100_000);
    sink.take();
    expect(sink.executed).toEqual([[0, 2, 3]]);
  });

  it('leaves an empty queue in peace', () => {
    const { sink, clock, scheduler, enqueue } = setUp({ maxQueueDelay: micros(100), preferredBatchSizes: [4] });
    enqueue().isGone = true;
    clock.advance(100_000);
    expect(sink.dropped).toEqual([0]);
    expect(scheduler.queuedCount).toBe(0);
  });
});

it('takeAll empties the queue and stops the timer', () => {
  const { sink, clock, scheduler, enqueueMany } = setUp({ maxQueueDelay: micros(100), preferredBatchSizes: [4] });
  enqueueMany(3);
  expect(scheduler.takeAll().map(({ id }) => id)).toEqual([0, 1, 2]);
  clock.advance(200_000);
  expect(sizes(sink)).toEqual([]);
});
