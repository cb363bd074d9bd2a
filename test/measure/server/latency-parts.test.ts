import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant } from '../../../src/common/units.js';
import { latencyPartsOf } from '../../../src/measure/server/latency-parts.js';
import { openWindow } from '../../../src/measure/windows/measured-window.js';
import { columnsOf, consecutiveRows } from '../../support/request-rows.js';

const windowOf = (latencyNs: number, lagNs: number) => {
  const rows = consecutiveRows(0, 50 * latencyNs, () => latencyNs).map((row) => ({
    ...row,
    sent: row.intended + lagNs,
  }));
  return openWindow(columnsOf(rows), instant(0), instant(50 * latencyNs), 1);
};
const server = (queueNs: number, inferNs: number) => ({
  queueNs,
  computeInputNs: 10_000,
  computeInferNs: inferNs,
  computeOutputNs: 20_000,
  inferenceCount: 100,
  executionCount: 100,
});

describe('the parts of the latency', () => {
  it('are what client and server each say, and what is left between them', () => {
    expect(latencyPartsOf(windowOf(5e6, 100_000), server(1e6, 3e6), 50_000, 20_000)).toEqual({
      totalNs: 5_000_000,
      sendNs: 120_000,
      networkAndFrontEndNs: 800_000,
      queueNs: 1_000_000,
      computeInputNs: 10_000,
      computeInferNs: 3_000_000,
      computeOutputNs: 20_000,
      receiveNs: 50_000,
    });
  });

  it('invent no time of receiving where the client tells none', () => {
    const parts = latencyPartsOf(windowOf(5e6, 0), server(1e6, 3e6), null);
    expect(parts).toMatchObject({ receiveNs: null, networkAndFrontEndNs: 970_000 });
  });

  it('are none without statistics or without an answer', () => {
    expect(latencyPartsOf(windowOf(5e6, 0), null, 0)).toBeNull();
    expect(latencyPartsOf(openWindow(columnsOf([]), instant(0), instant(1e9), 1), server(1, 1), 0)).toBeNull();
  });

  it('always add up to the whole, even where the server claims more than the client saw', () => {
    const time = fc.integer({ min: 0, max: 9_000_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 9_000_000 }), time, time, time, (latency, queue, infer, receive) => {
        const parts = latencyPartsOf(windowOf(latency, latency / 10), server(queue, infer), receive)!;
        const { totalNs, ...rest } = parts;
        expect(Object.values(rest).reduce((sum: number, part) => sum + (part ?? 0), 0)).toBe(totalNs);
        for (const part of Object.values(rest)) expect(part).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
