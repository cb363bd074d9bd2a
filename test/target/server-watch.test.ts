import { createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Instant, instant } from '../../src/common/units.js';
import { type Presence, type ServerWatch, watchServer } from '../../src/target/server-watch.js';

/** A watch on a clock of its own: `step` seconds pass, with what the load shows and what the server says in them. */
function scripted() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let nowNs = 1e9;
  let presence: Presence = 'ready';
  let lookCount = 0;
  const watch = watchServer({
    admin: { endpoint: 'host:1', isServerReady: () => Promise.resolve(true) },
    now: () => instant(nowNs),
    look: () => {
      lookCount++;
      return Promise.resolve(presence);
    },
  });
  let fault: Error | undefined;
  watch.gone.catch((thrown: Error) => {
    fault = thrown;
  });
  let errorCount = 0;
  let lastSuccess: Instant | undefined;
  return {
    watch,
    fault: () => fault,
    lookCount: () => lookCount,
    async pass(seconds: number, load: 'good' | 'failing' | 'quiet', says: Presence, latencyP99Ns = 1e6) {
      presence = says;
      for (let step = 0; step < seconds * 5; step++) {
        nowNs += 0.2e9;
        if (load === 'good') lastSuccess = instant(nowNs);
        if (load === 'failing') errorCount += 4;
        watch.observe({ levelIndex: 0, errorCount, lastSuccess, latencyP99Ns });
        await vi.advanceTimersByTimeAsync(200);
      }
    },
  };
}

describe('a server under load', () => {
  it('is never asked while requests succeed', async () => {
    const { pass, lookCount, fault } = scripted();
    await pass(20, 'good', 'refused');
    expect([lookCount(), fault()]).toEqual([0, undefined]);
  });

  it('that refuses connections has gone two seconds later, with the time of its last answer', async () => {
    const { pass, fault } = scripted();
    await pass(10, 'good', 'ready');
    await pass(1.6, 'failing', 'refused');
    expect(fault()).toBeUndefined();
    await pass(1, 'failing', 'refused');
    expect(fault()).toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: expect.stringMatching(/went away 9\.80 s into/),
    });
  });

  it('that is ready is overloaded, however many requests time out and for however long', async () => {
    const { pass, fault, lookCount } = scripted();
    await pass(2, 'good', 'ready');
    await pass(60, 'failing', 'ready');
    await pass(60, 'quiet', 'ready');
    expect(fault()).toBeUndefined();
    expect(lookCount()).toBeLessThan(130);
  });

  it('that comes back in time was away, which is a warning', async () => {
    const { pass, fault, watch } = scripted();
    await pass(3, 'good', 'ready');
    await pass(1.4, 'failing', 'refused');
    await pass(5, 'good', 'ready');
    expect(fault()).toBeUndefined();
    expect(watch.warnings()).toMatchObject([{ code: 'SERVER_RESTARTED' }]);
  });

  it('that takes connections and says nothing has gone too, later, and later still where it was slow before', async () => {
    const quick = scripted();
    await quick.pass(3, 'good', 'ready');
    await quick.pass(4.6, 'quiet', 'silent');
    expect(quick.fault()).toBeUndefined();
    await quick.pass(2, 'quiet', 'silent');
    expect(quick.fault()?.message).toContain('takes connections and answers nothing');
    const slow = scripted();
    await slow.pass(3, 'good', 'ready', 4e9);
    await slow.pass(11, 'quiet', 'silent');
    expect(slow.fault()).toBeUndefined();
    await slow.pass(3, 'quiet', 'silent');
    expect(slow.fault()).toBeDefined();
  });

  it('is not blamed where this side cannot ask it', async () => {
    const { pass, fault } = scripted();
    await pass(3, 'good', 'ready');
    await pass(20, 'failing', 'unknown');
    expect(fault()).toBeUndefined();
  });
});

describe('a real port', { timeout: 20_000 }, () => {
  const listen = (server: Server): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  const fail = (watch: ServerWatch): void => watch.observe({ levelIndex: 0, errorCount: 1 });

  it('that nobody listens on is gone, and one that accepts and is ready is not', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    const port = await listen(server);
    const admin = { endpoint: `127.0.0.1:${port}`, isServerReady: () => Promise.resolve(true) };
    const alive = watchServer({ admin });
    fail(alive);
    await alive.settle();
    await new Promise((resolve) => server.close(resolve));
    const dead = watchServer({ admin });
    fail(dead);
    await expect(dead.gone).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  });
});
