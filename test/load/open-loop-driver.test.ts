import { describe, expect, it } from 'vitest';
import { shareSchedule } from '../../src/load/arrival-schedule.js';
import { OpenLoopDriver } from '../../src/load/open-loop-driver.js';
import { RequestTurns, weightedTurns } from '../../src/load/request-source.js';
import type { OpenLevel } from '../../src/plan/load-plan.js';
import { type DriverSetup, describeLoadDriver, setUpDriver } from '../contract-suites/load-driver.js';
import type { ServiceTime } from '../support/fake-client.js';
import { manualPacer } from '../support/manual-pacer.js';

const MILLI = 1_000_000;

interface Changes extends Partial<OpenLevel> {
  readonly lateNs?: () => number;
  readonly onFinished?: () => void;
}

/** 1000 requests a millisecond by default: as dense as the contract's service times. */
const openLoop =
  ({ lateNs, onFinished, ...changes }: Changes = {}) =>
  ({ client, clock, log, handles }: DriverSetup) => {
    const level: OpenLevel = {
      kind: 'open',
      requestRatePerSec: 1_000_000,
      arrival: { kind: 'constant' },
      maxInFlight: 100_000,
      seed: 1,
      batchSize: 1,
      ...changes,
    };
    return new OpenLoopDriver({
      send: client.send,
      turns: new RequestTurns([handles], weightedTurns([1])),
      schedule: shareSchedule(level, 0, 1),
      startNs: clock.now(),
      maxInFlight: level.maxInFlight,
      waitsWhenFull: level.waitsWhenFull,
      logs: [log],
      clock,
      createPacer: manualPacer(clock, lateNs),
      ...(onFinished && { onFinished }),
    });
  };

const setUp = (service: ServiceTime, changes?: Changes) => setUpDriver(service, openLoop(changes));
const perMilli = { requestRatePerSec: 1000 };

describeLoadDriver('open loop', openLoop());

describe('open loop', () => {
  it('sends at the instants of its schedule, whatever the service times', async () => {
    const { clock, driver, columns, client } = setUp(() => ({ afterNs: 50 * MILLI }), perMilli);
    driver.start();
    await clock.advanceAsync(59.5 * MILLI);
    expect(client.sentCount).toBe(60);
    expect(client.maxInFlight).toBe(50);
    const { intendedNs, sentNs, length } = columns();
    expect(length).toBe(10);
    for (let row = 0; row < length; row++) {
      expect(intendedNs[row]! - MILLI).toBe(row * MILLI);
      expect(sentNs[row]).toBe(intendedNs[row]);
    }
  });

  it('shows a freeze of the server in every request that was due while it lasted', async () => {
    // 10 ms frozen at 1 request a millisecond: latencies count down from 10 to 1, and none is left out.
    const freeze = (nowNs: number): number => Math.max(0, 16 * MILLI - nowNs);
    const service: ServiceTime = (_, sentNs) => ({ afterNs: sentNs >= 6 * MILLI ? freeze(sentNs) + 1 : 1 });
    const { clock, driver, columns } = setUp(service, perMilli);
    driver.start();
    await clock.advanceAsync(25 * MILLI);
    const { length, intendedNs, receivedNs } = columns();
    const latencies = Array.from({ length }, (_, row) => Math.round((receivedNs[row]! - intendedNs[row]!) / MILLI));
    expect(latencies.sort((a, b) => b - a).slice(0, 11)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('sends late requests at once with their intended start, and counts those over 1 ms as delayed', async () => {
    // The first wake-up comes 10 ms late, as after a pause of the load worker.
    let isFirst = true;
    const lateNs = (): number => {
      if (!isFirst) return 0;
      isFirst = false;
      return 10 * MILLI;
    };
    const { clock, driver, columns } = setUp(() => ({ afterNs: 1000 }), { ...perMilli, lateNs });
    driver.start();
    await clock.advanceAsync(20.5 * MILLI);
    const { length, intendedNs, sentNs } = columns();
    const lags = Array.from({ length }, (_, row) => (sentNs[row]! - intendedNs[row]!) / MILLI);
    expect(lags.slice(0, 12)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]);
    expect(driver.delayedCount).toBe(9);
    expect(driver.droppedCount).toBe(0);
  });

  it('drops and counts what is due while too many are in flight, and goes on with the requests that the plan says', async () => {
    const { clock, driver, client } = setUp((_, sentNs) => ({ afterNs: sentNs < 8 * MILLI ? 20 * MILLI : 1000 }), {
      ...perMilli,
      maxInFlight: 3,
    });
    driver.start();
    await clock.advanceAsync(29.5 * MILLI);
    // 0, 1 and 2 ms are in flight until 20, 21 and 22 ms; all other 17 and more are dropped until then.
    expect(client.maxInFlight).toBe(3);
    expect(driver.droppedCount).toBe(17);
    expect(client.sentCount).toBe(13);
    // Arrival number n uses request n % 3, dropped or not.
    expect(client.handles.slice(0, 5)).toEqual([10, 11, 12, 12, 10]);
  });

  it('sends exactly the count of requests and says when the last has ended', async () => {
    let finishedAt = 0;
    const { clock, driver, client } = setUp(() => ({ afterNs: 5 * MILLI }), {
      ...perMilli,
      requestCount: 7,
      onFinished: () => {
        finishedAt = clock.now() - MILLI;
      },
    });
    driver.start();
    await clock.advanceAsync(100 * MILLI);
    expect(client.sentCount).toBe(7);
    expect(finishedAt).toBe(11 * MILLI);
  });

  it('says that it has finished when its share holds no request', () => {
    let finishedCount = 0;
    const { driver } = setUp(() => ({ afterNs: 1 }), { requestCount: 0, onFinished: () => finishedCount++ });
    driver.start();
    expect(finishedCount).toBe(1);
  });

  it('keeps more in flight than it first has room for', async () => {
    const { clock, driver, client, columns } = setUp(() => ({ afterNs: 2 * MILLI }));
    driver.start();
    await clock.advanceAsync(4 * MILLI);
    expect(client.maxInFlight).toBe(2000);
    const { length, intendedNs } = columns();
    expect(length).toBeGreaterThan(1900);
    expect(new Set(intendedNs).size).toBe(length);
  });

  it('sends the same requests at the same intended instants in two runs with one seed', async () => {
    const run = async (slow: number) => {
      const { clock, driver, client, columns } = setUp((index) => ({ afterNs: 1000 * (1 + ((index * slow) % 11)) }), {
        requestRatePerSec: 20_000,
        arrival: { kind: 'poisson' },
        seed: 9,
      });
      driver.start();
      await clock.advanceAsync(20 * MILLI);
      return {
        intended: [...columns().intendedNs].sort((a, b) => a - b).slice(0, 300),
        handles: client.handles.slice(0, 300),
      };
    };
    expect(await run(1)).toEqual(await run(7));
  });
});

describe('an open loop whose cap makes arrivals wait', () => {
  const capped = { ...perMilli, maxInFlight: 4, waitsWhenFull: true } as const;

  it('keeps to the cap, drops nothing, and sends what waited as soon as a request ends', async () => {
    const { clock, driver, columns, client } = setUp(() => ({ afterNs: 8 * MILLI }), capped);
    driver.start();
    await clock.advanceAsync(100 * MILLI);
    expect(client.maxInFlight).toBe(4);
    expect(driver.droppedCount).toBe(0);
    // Four requests every 8 ms, of eight that are due.
    expect(client.sentCount).toBeGreaterThanOrEqual(48);
    expect(client.sentCount).toBeLessThanOrEqual(52);
    const { intendedNs, sentNs, length } = columns();
    for (let row = 0; row < length; row++) expect(intendedNs[row]! - MILLI).toBe(row * MILLI);
    expect(sentNs[length - 1]! - intendedNs[length - 1]!).toBeGreaterThan(30 * MILLI);
    expect(driver.delayedCount).toBeGreaterThan(40);
  });

  it('is the schedule itself while the cap is not reached', async () => {
    const { clock, driver, columns } = setUp(() => ({ afterNs: 3 * MILLI }), capped);
    driver.start();
    await clock.advanceAsync(50.5 * MILLI);
    const { intendedNs, sentNs, length } = columns();
    expect(length).toBeGreaterThan(40);
    for (let row = 0; row < length; row++) expect(sentNs[row]).toBe(intendedNs[row]);
  });

  it('stops while arrivals wait, and answers for what is in flight only', async () => {
    const { clock, driver, columns, client } = setUp(() => ({ afterNs: 8 * MILLI }), capped);
    driver.start();
    await clock.advanceAsync(20 * MILLI);
    const stopped = driver.stop();
    await clock.advanceAsync(20 * MILLI);
    await stopped;
    expect(columns().length).toBe(client.sentCount);
    expect(driver.droppedCount).toBe(0);
  });
});
