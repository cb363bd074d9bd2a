import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { ClosedLoopDriver } from '../../src/load/closed-loop-driver.js';
import { endlessSource, RequestTurns, Tickets, ticketSource, weightedTurns } from '../../src/load/request-source.js';
import { type DriverSetup, describeLoadDriver, setUpDriver } from '../contract-suites/load-driver.js';
import type { ServiceTime } from '../support/fake-client.js';

const MILLI = 1_000_000;

const closedLoop =
  (concurrency: number) =>
  ({ client, clock, log, handles }: DriverSetup) =>
    new ClosedLoopDriver({ send: client.send, source: endlessSource(handles), concurrency, logs: [log], clock });

const setUp = (concurrency: number, service: ServiceTime) => setUpDriver(service, closedLoop(concurrency));

describeLoadDriver('closed loop', closedLoop(2));

describe('closed loop', () => {
  it('keeps exactly its concurrency in flight, whatever the service times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 30 }),
        async (concurrency, times) => {
          const { clock, client, driver } = setUp(concurrency, (index) => ({ afterNs: times[index % times.length]! }));
          driver.start();
          for (let step = 0; step < 20; step++) {
            clock.advance(777);
            expect(client.inFlight).toBe(concurrency);
          }
          expect(client.maxInFlight).toBe(concurrency);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('intends each request for the instant at which its slot became free', () => {
    const times = [300, 500, 100, 400, 200];
    const { clock, driver, columns } = setUp(2, (index) => ({ afterNs: times[index] ?? 10_000 }));
    driver.start();
    clock.advance(1000);
    const { length, intendedNs, sentNs, receivedNs } = columns();
    const rows = Array.from({ length }, (_, row) => [
      intendedNs[row]! - MILLI,
      sentNs[row]! - MILLI,
      receivedNs[row]! - MILLI,
    ]);
    // Slot 0: 0-300, 300-400, 400-800. Slot 1: 0-500, 500-700.
    expect(rows).toEqual([
      [0, 0, 300],
      [300, 300, 400],
      [0, 0, 500],
      [500, 500, 700],
      [400, 400, 800],
    ]);
  });

  it('counts the time between an answer and the next send as latency', () => {
    const { clock, log, client, columns } = setUp(1, () => ({ afterNs: 1000 }));
    const driver = new ClosedLoopDriver({
      send: client.send,
      source: endlessSource([0]),
      concurrency: 1,
      logs: [log],
      clock,
    });
    client.onCompletion = (tag, receivedNs, outcome, cause) => {
      clock.advance(250);
      driver.complete(tag, receivedNs, outcome, cause);
    };
    driver.start();
    clock.advance(2500);
    const { intendedNs, sentNs, receivedNs } = columns();
    expect([intendedNs[1]! - MILLI, sentNs[1]! - MILLI, receivedNs[1]! - MILLI]).toEqual([1000, 1250, 2250]);
  });

  it('shows a stall of 10 ms in one request for each slot, which is why it is no substitute for a request rate', () => {
    const isStalled = (nowNs: number): boolean => nowNs >= 6 * MILLI && nowNs < 16 * MILLI;
    const untilEnd = (sentNs: number): number => (isStalled(sentNs) ? 16 * MILLI - sentNs : 0);
    const { clock, driver, columns } = setUp(1, (_, sentNs) => ({ afterNs: untilEnd(sentNs) + MILLI }));
    driver.start();
    clock.advance(25 * MILLI);
    const { length, intendedNs, receivedNs } = columns();
    const latencies = Array.from({ length }, (_, row) => (receivedNs[row]! - intendedNs[row]!) / MILLI);
    expect(latencies).toEqual([1, 1, 1, 1, 1, 11, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('slows down on a target that only fails, and speeds up again when it answers', async () => {
    let isDown = true;
    const { clock, client, driver } = setUp(2, () => ({
      afterNs: 1000,
      ...(isDown ? { cause: 'UNAVAILABLE: connection refused' } : {}),
    }));
    driver.start();
    await clock.advanceAsync(10 * MILLI);
    const sentAtOnce = client.sentCount;
    await clock.advanceAsync(1000 * MILLI);
    expect(sentAtOnce).toBeLessThan(20);
    expect(client.sentCount - sentAtOnce).toBeLessThanOrEqual(2 * 100);
    isDown = false;
    await clock.advanceAsync(20 * MILLI);
    const before = client.sentCount;
    await clock.advanceAsync(10 * MILLI);
    expect(client.sentCount - before).toBe(2 * 10_000);
  });

  it('sends nothing for a slot that was pausing when the level ended', async () => {
    const { clock, client, driver } = setUp(1, () => ({ afterNs: 1000, cause: 'UNAVAILABLE: connection refused' }));
    driver.start();
    await clock.advanceAsync(12 * MILLI);
    const sent = client.sentCount;
    const stopped = driver.stop();
    await clock.advanceAsync(100 * MILLI);
    await stopped;
    expect(client.sentCount - sent).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('gives slow servers twice their slowest answer to drain', async () => {
    const { clock, driver, columns } = setUp(1, (index) => ({ afterNs: index === 0 ? 20_000 * MILLI : undefined }));
    driver.start();
    await clock.advanceAsync(21_000 * MILLI);
    const endNs = clock.now();
    const stopped = driver.stop();
    await clock.advanceAsync(60_000 * MILLI);
    await stopped;
    const { receivedNs, length, outcomes } = columns();
    expect(length).toBe(2);
    expect(receivedNs[1]! - endNs).toBe(40_000 * MILLI);
    expect(outcomes[1]).toBe(outcomeCodes.unfinished);
  });

  it('sends nothing with a concurrency of 0, and stops at once', async () => {
    const { client, driver, columns } = setUp(0, () => ({ afterNs: 1000 }));
    driver.start();
    await driver.stop();
    expect([client.sentCount, columns().length]).toEqual([0, 0]);
  });

  it('says once that it has finished, when the last request of a counted source has ended', async () => {
    const finishedAt: number[] = [];
    const counted = (concurrency: number, count: number) =>
      setUpDriver(
        () => ({ afterNs: 1000 }),
        ({ client, clock, log, handles }) => {
          const turns = new RequestTurns([handles], weightedTurns([1]));
          return new ClosedLoopDriver({
            send: client.send,
            source: ticketSource(turns, new Tickets(), count),
            concurrency,
            logs: [log],
            clock,
            onFinished: () => finishedAt.push(clock.now() - MILLI),
          });
        },
      );
    const some = counted(3, 10);
    some.driver.start();
    await some.clock.advanceAsync(10_000);
    expect([some.client.sentCount, finishedAt.splice(0)]).toEqual([10, [4000]]);
    // Other workers may have taken every request, and a worker may have no slot.
    counted(3, 0).driver.start();
    counted(0, 10).driver.start();
    expect(finishedAt).toEqual([0, 0]);
  });
});
