import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionAge } from '../../../../engine/frontend/grpc-wire/connection-age.js';
import { defaultKeepalive, Keepalive, type KeepaliveRules } from '../../../../engine/frontend/grpc-wire/keepalive.js';
import { instant } from '../../../../src/common/units.js';
import { encodePing } from '../../../../src/http2/frame-writer.js';
import { errorCodes, frameTypes } from '../../../../src/http2/protocol-constants.js';
import { headers, requestBlock, wholeRequest } from '../../../support/wire-connection.js';
import { ECHO, HELD, startTestServer, until } from '../../../support/wire-server.js';

const ping = (): Buffer => encodePing(Buffer.from('12345678'), false);

function watch(rules: Partial<KeepaliveRules>) {
  const seen = { pings: 0, isLost: false, calls: true, sent: 0 };
  const start = Date.now();
  const clock = { now: () => instant((Date.now() - start) * 1e6), sleep: () => Promise.reject(new Error('not used')) };
  const keepalive = new Keepalive({ ...defaultKeepalive, ...rules }, clock, {
    hasCalls: () => seen.calls,
    sentCount: () => seen.sent,
    sendPing: () => void seen.pings++,
    onLost: () => {
      seen.isLost = true;
    },
  });
  return { keepalive, seen };
}

describe('keepalive', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks a silent peer after its time, and gives it up after the timeout', () => {
    const { seen } = watch({ timeMs: 1000, timeoutMs: 300 });
    vi.advanceTimersByTime(999);
    expect(seen.pings).toBe(0);
    vi.advanceTimersByTime(1);
    expect(seen.pings).toBe(1);
    vi.advanceTimersByTime(299);
    expect(seen.isLost).toBe(false);
    vi.advanceTimersByTime(1);
    expect(seen.isLost).toBe(true);
  });

  it('counts silence from the last bytes, and takes any bytes for an answer', () => {
    const { keepalive, seen } = watch({ timeMs: 1000, timeoutMs: 300 });
    vi.advanceTimersByTime(600);
    keepalive.onHeard();
    vi.advanceTimersByTime(999);
    expect(seen.pings).toBe(0);
    vi.advanceTimersByTime(1);
    expect(seen.pings).toBe(1);
    vi.advanceTimersByTime(200);
    keepalive.onHeard();
    vi.advanceTimersByTime(900);
    expect(seen).toMatchObject({ pings: 1, isLost: false });
  });

  it('leaves a connection without calls alone unless that is permitted', () => {
    const idle = watch({ timeMs: 1000 });
    idle.seen.calls = false;
    const permitted = watch({ timeMs: 1000, permitsWithoutCalls: true });
    permitted.seen.calls = false;
    vi.advanceTimersByTime(1000);
    expect([idle.seen.pings, permitted.seen.pings]).toEqual([0, 1]);
  });

  it('sends as many PINGs without data as it may, and more once something was sent', () => {
    const { keepalive, seen } = watch({ timeMs: 1000, timeoutMs: 300, maxPingsWithoutData: 2 });
    for (let round = 0; round < 6; round++) {
      vi.advanceTimersByTime(1000);
      keepalive.onHeard();
    }
    expect(seen.pings).toBe(2);
    seen.sent++;
    vi.advanceTimersByTime(2000);
    expect(seen.pings).toBe(3);
  });

  it('stops when it is told to', () => {
    const { keepalive, seen } = watch({ timeMs: 1000 });
    keepalive.stop();
    vi.advanceTimersByTime(10_000);
    expect(seen.pings).toBe(0);
  });

  it('forgives as many hasty PINGs as it may, and then throws', () => {
    const { keepalive } = watch({ minReceivedPingIntervalMs: 1000, maxPingStrikes: 2 });
    for (let count = 0; count < 3; count++) keepalive.onPing();
    expect(() => keepalive.onPing()).toThrow('too_many_pings');
  });

  it('has nothing against PINGs at their interval, or with data between', () => {
    const { keepalive, seen } = watch({ minReceivedPingIntervalMs: 1000, maxPingStrikes: 1 });
    for (let count = 0; count < 5; count++) {
      keepalive.onPing();
      vi.advanceTimersByTime(1000);
    }
    for (let count = 0; count < 5; count++) {
      seen.sent++;
      keepalive.onPing();
    }
  });

  it('expects a peer without calls to be quiet for two hours unless that is permitted', () => {
    const { keepalive, seen } = watch({ minReceivedPingIntervalMs: 0, maxPingStrikes: 1 });
    seen.calls = false;
    keepalive.onPing();
    vi.advanceTimersByTime(7_000_000);
    keepalive.onPing();
    vi.advanceTimersByTime(100_000);
    expect(() => keepalive.onPing()).toThrow('too_many_pings');
  });

  it('with unlimited strikes takes any number', () => {
    const { keepalive } = watch({ maxPingStrikes: undefined });
    for (let count = 0; count < 50; count++) keepalive.onPing();
  });
});

describe('the age of a connection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('ends it within a tenth of the limit, and its calls after the grace', () => {
    const ends: string[] = [];
    const limits = { maxConnectionAgeMs: 1000, maxConnectionAgeGraceMs: 50 };
    const note = (what: string) => () => void ends.push(`${what} ${Date.now() - start}`);
    const start = Date.now();
    new ConnectionAge(limits, note('drain'), note('cut off'), () => 0);
    new ConnectionAge(limits, note('drain'), note('cut off'), () => 1);
    vi.advanceTimersByTime(2000);
    expect(ends).toEqual(['drain 900', 'cut off 950', 'drain 1100', 'cut off 1150']);
  });
});

describe('a connection', () => {
  it('is told to calm down after too many PINGs', async () => {
    const keepalive = { ...defaultKeepalive, maxPingStrikes: 1 };
    const connection = await (await startTestServer({ limits: { keepalive } })).connect();
    connection.send(ping(), ping(), ping());
    expect(await connection.goAway()).toEqual({ code: errorCodes.ENHANCE_YOUR_CALM, text: 'too_many_pings' });
  });

  it('is closed when its peer does not answer a keepalive PING while a call is open', async () => {
    const keepalive = { ...defaultKeepalive, timeMs: 20, timeoutMs: 20 };
    const server = await startTestServer({ limits: { keepalive } });
    const connection = await server.connect();
    connection.send(wholeRequest(1, HELD, Buffer.from('x')));
    await connection.frame(({ type, flags }) => type === frameTypes.PING && flags === 0);
    await connection.closed;
    await until(() => server.held[0]!.reply.isCancelled());
  });

  it('that is old is drained: open calls finish, and it closes', async () => {
    const server = await startTestServer({ limits: { maxConnectionAgeMs: 30 } });
    const connection = await server.connect();
    connection.send(wholeRequest(1, HELD, Buffer.from('x')));
    await until(() => server.held.length === 1);
    const announced = await connection.frame(({ type }) => type === frameTypes.GOAWAY);
    expect(announced.payload.readUInt32BE(4)).toBe(errorCodes.NO_ERROR);
    const drainPing = await connection.frame(({ type, flags }) => type === frameTypes.PING && flags === 0);
    connection.send(encodePing(drainPing.payload, true));
    server.held[0]!.reply.succeed(Buffer.from('done'));
    expect((await connection.answer(1)).messages).toEqual([Buffer.from('done')]);
    await connection.closed;
  });

  it('whose request stops arriving gets DEADLINE_EXCEEDED for it, and goes on', async () => {
    const connection = await (await startTestServer({ limits: { stalledUploadMs: 30 } })).connect();
    connection.send(headers(1, requestBlock(ECHO)));
    const { grpcStatus, grpcMessage } = await connection.answer(1);
    expect([grpcStatus, grpcMessage]).toEqual([4, 'the request stopped arriving']);
    connection.send(wholeRequest(3, ECHO, Buffer.from('alive')));
    expect((await connection.answer(3)).messages).toEqual([Buffer.from('alive')]);
  });
});
