import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountAnew, accountForLatency } from '../../../src/measure/server/latency-parts.js';
import type { LevelRecord } from '../../../src/record/run-record.js';
import { insideNs } from '../../../src/record/server-fit.js';

const server = (queueNs: number, inferNs: number) => ({
  queueNs,
  computeInputNs: 10_000,
  computeInferNs: inferNs,
  computeOutputNs: 20_000,
  inferenceCount: 100,
  executionCount: 100,
  requestNs: queueNs + inferNs + 40_000,
});
const seen = (totalNs: number, sendNs = 0, receiveNs: number | null = null) => ({ totalNs, sendNs, receiveNs });

describe('the parts of the latency', () => {
  it('are what client and server each say, and what is left between them', () => {
    const told = server(1e6, 3e6);
    expect(accountForLatency(told, seen(5e6, 120_000, 50_000))).toEqual({
      server: told,
      latencyParts: {
        totalNs: 5_000_000,
        sendNs: 120_000,
        networkAndFrontEndNs: 800_000,
        queueNs: 1_000_000,
        computeInputNs: 10_000,
        computeInferNs: 3_000_000,
        computeOutputNs: 20_000,
        receiveNs: 50_000,
      },
      warnings: [],
    });
  });

  it('invent no time of receiving where the client tells none', () => {
    const { latencyParts } = accountForLatency(server(1e6, 3e6), seen(5e6));
    expect(latencyParts).toMatchObject({ receiveNs: null, networkAndFrontEndNs: 970_000 });
  });

  it('are none without statistics or without an answer', () => {
    expect(accountForLatency(null, seen(5e6)).latencyParts).toBeNull();
    expect(accountForLatency(server(1, 1), null)).toMatchObject({ latencyParts: null, warnings: [] });
  });

  it('and the times in the record are scaled alike, with a word, where the server claims more than the client saw', () => {
    const { server: fitted, latencyParts, warnings } = accountForLatency(server(1.97e6, 8e6), seen(8e6, 500_000));
    expect(fitted!.scaledBy).toBeCloseTo(0.75, 9);
    expect(fitted).toMatchObject({ queueNs: 1_477_500, computeInferNs: 6_000_000, inferenceCount: 100 });
    expect(fitted!.requestNs).toBe(Math.round((1.97e6 + 8e6 + 40_000) * 0.75));
    expect(latencyParts).toMatchObject({ queueNs: fitted!.queueNs, computeInferNs: fitted!.computeInferNs });
    expect(warnings).toMatchObject([{ code: 'STATISTICS_SCALED' }]);
    expect(warnings[0]!.message).toMatch(/10\.0? ?ms .* 7\.50? ?ms .* scaled by 0\.75 to fit/);
  });

  it('are left out, and why is said, where the server claims times that no difference of windows explains', () => {
    const account = accountForLatency(server(50e6, 96e6), seen(55e6));
    expect(account).toMatchObject({
      server: null,
      latencyParts: null,
      warnings: [{ code: 'STATISTICS_NONSENSE', message: expect.stringContaining('left out') }],
    });
  });

  it('always add up to the whole, which queue and compute never exceed', () => {
    const time = fc.integer({ min: 0, max: 9_000_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 9_000_000 }),
        time,
        time,
        time,
        time,
        (latency, queue, infer, receive, other) => {
          const {
            server: times,
            latencyParts,
            warnings,
          } = accountForLatency(server(queue, infer), seen(latency, latency / 10, receive));
          if (latencyParts === null) {
            expect(times).toBeNull();
            expect(warnings).toHaveLength(1);
            return;
          }
          const { totalNs, ...rest } = latencyParts;
          expect(Object.values(rest).reduce<number>((sum, part) => sum + (part ?? 0), 0)).toBe(totalNs);
          for (const part of Object.values(rest)) expect(part).toBeGreaterThanOrEqual(0);
          expect(insideNs(times!)).toBeLessThanOrEqual(totalNs);
          // The same where windows put another mean in its place.
          const level = { server: times, latencyParts, warnings } as unknown as LevelRecord;
          const anew = accountAnew(level, other);
          if (anew.server !== null) expect(insideNs(anew.server)).toBeLessThanOrEqual(other);
          expect(anew.warnings.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
