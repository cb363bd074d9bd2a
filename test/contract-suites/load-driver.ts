/** What every LoadDriver does, run against a client with scripted service times under a clock that a test moves. */
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import type { LoadDriver } from '../../src/load/load-driver.js';
import { collectColumns, type RequestChunk } from '../../src/load/request-columns.js';
import { RequestLog } from '../../src/load/request-log.js';
import { FakeClient, type ServiceTime } from '../support/fake-client.js';
import { ManualClock } from '../support/manual-clock.js';

export interface DriverSetup {
  readonly client: FakeClient;
  readonly clock: ManualClock;
  /** One model's. */
  readonly log: RequestLog;
  readonly handles: readonly number[];
}

/** A driver, and how the client tells it of completions. */
export interface DriverUnderTest extends LoadDriver {
  readonly droppedCount: number;
  readonly delayedCount: number;
  complete(
    tag: number,
    receivedNs: number,
    outcome: (typeof outcomeCodes)[keyof typeof outcomeCodes],
    cause: string | undefined,
  ): void;
}

/** Everything a driver needs around it; the service time of request `index` comes from `service`. */
export function setUpDriver(service: ServiceTime, create: (setup: DriverSetup) => DriverUnderTest) {
  const clock = new ManualClock(1_000_000);
  const chunks: RequestChunk[] = [];
  const log = new RequestLog((chunk) => chunks.push(chunk));
  const client = new FakeClient(clock, service);
  const driver = create({ client, clock, log, handles: [10, 11, 12] });
  client.onCompletion = (...completion) => driver.complete(...completion);
  return { clock, log, client, driver, columns: () => collectColumns(chunks) };
}

/** `create` makes a driver that sends something at once and after each answer. */
export function describeLoadDriver(name: string, create: (setup: DriverSetup) => DriverUnderTest): void {
  describe(`${name} (as any driver)`, () => {
    it('sends nothing before it is started', () => {
      const { client, clock } = setUpDriver(() => ({ afterNs: 1000 }), create);
      clock.advance(1_000_000);
      expect(client.sentCount).toBe(0);
    });

    it('logs one row for each request that ended, with instants in order', async () => {
      const { clock, client, driver, columns } = setUpDriver((index) => ({ afterNs: 500 + 100 * (index % 7) }), create);
      driver.start();
      await clock.advanceAsync(100_000);
      const stopped = driver.stop();
      await clock.advanceAsync(10_000);
      await stopped;
      const { length, intendedNs, sentNs, receivedNs, outcomes } = columns();
      expect(length).toBe(client.sentCount);
      expect(length).toBeGreaterThan(10);
      for (let row = 0; row < length; row++) {
        expect(intendedNs[row]!).toBeLessThanOrEqual(sentNs[row]!);
        expect(sentNs[row]!).toBeLessThan(receivedNs[row]!);
        expect(outcomes[row]).toBe(outcomeCodes.ok);
      }
    });

    it('sends nothing more once stopped, and waits for what is in flight', async () => {
      const { clock, client, driver, columns } = setUpDriver(() => ({ afterNs: 1000 }), create);
      driver.start();
      await clock.advanceAsync(500);
      const sent = client.sentCount;
      let isStopped = false;
      const stopped = driver.stop().then(() => {
        isStopped = true;
      });
      await clock.advanceAsync(100);
      expect(isStopped).toBe(false);
      await clock.advanceAsync(10_000);
      await stopped;
      expect(client.sentCount).toBe(sent);
      expect(columns().length).toBe(sent);
    });

    it('gives up on answers that never come, logs them as unfinished, and ignores them later', async () => {
      const { clock, client, driver, columns, log } = setUpDriver(() => ({ afterNs: undefined }), create);
      driver.start();
      await clock.advanceAsync(1000);
      const stopped = driver.stop();
      await clock.advanceAsync(60_000_000_000);
      await stopped;
      const { length, outcomes } = columns();
      expect(length).toBe(client.sentCount);
      expect([...outcomes].every((outcome) => outcome === outcomeCodes.unfinished)).toBe(true);
      driver.complete(0, clock.now(), outcomeCodes.ok, undefined);
      expect(columns().length).toBe(length);
      expect([log.failureCount, log.causes()]).toEqual([0, {}]);
    });

    it('counts failures by cause and goes on', async () => {
      const fails = (index: number) => index % 4 === 3;
      const service: ServiceTime = (index) => ({
        afterNs: 1000,
        ...(fails(index) ? { cause: `UNAVAILABLE: ${index % 8}` } : {}),
      });
      const { clock, client, driver, log, columns } = setUpDriver(service, create);
      driver.start();
      await clock.advanceAsync(100_000);
      const stopped = driver.stop();
      await clock.advanceAsync(10_000);
      await stopped;
      const failed = [...columns().outcomes].filter((outcome) => outcome === outcomeCodes.error).length;
      expect(failed).toBe(Array.from({ length: client.sentCount }, (_, index) => index).filter(fails).length);
      expect(Object.keys(log.causes()).sort()).toEqual(['UNAVAILABLE: 3', 'UNAVAILABLE: 7']);
    });

    it('uses the prepared requests in turn', async () => {
      const { clock, client, driver } = setUpDriver(() => ({ afterNs: 1000 }), create);
      driver.start();
      await clock.advanceAsync(20_000);
      const expected = client.handles.map((_, index) => 10 + (index % 3));
      expect(client.handles).toEqual(expected);
    });
  });
}
