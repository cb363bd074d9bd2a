import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCeiling, type ProbeRate } from '../../src/calibrate/find-ceiling.js';

/** On time up to `limit`; `stumbles` counts down probes that a stall of the host spoils. */
function generator(
  limit: number,
  stumbles: readonly number[] = [],
): { readonly probe: ProbeRate; readonly rates: number[] } {
  const rates: number[] = [];
  const probe: ProbeRate = (rate) => {
    const isSpoilt = stumbles.includes(rates.push(rate));
    const isLate = rate > limit || isSpoilt;
    return Promise.resolve({
      sendLagP99Ns: isLate ? 5e6 : 50_000,
      busyRatio: 0.5,
      answeredRatio: 1,
      latencyP50Ns: 1e5,
      latencyP99Ns: 2e5,
    });
  };
  return { probe, rates };
}

async function maxRateOf(probe: ProbeRate): Promise<number> {
  const search = await findCeiling(probe);
  if (search.state !== 'found') throw new Error('the search found no rate');
  return search.maxRatePerSec;
}

describe('the search for the highest rate', () => {
  it('ends within 6 % below the limit, wherever it lies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 100, max: 900_000 }), async (limit) => {
        const { probe, rates } = generator(limit);
        const found = await maxRateOf(probe);
        expect(found).toBeLessThanOrEqual(limit);
        expect(found).toBeGreaterThan(limit / 1.07);
        expect(rates.length).toBeLessThan(90);
      }),
    );
  });

  it('forgives single late probes, which was the host', async () => {
    const found = await maxRateOf(generator(20_000, [1, 4, 7]).probe);
    expect(found).toBeGreaterThan(18_500);
  });

  it('finds nothing where no rate is on time', async () => {
    expect(await findCeiling(generator(1).probe)).toMatchObject({ state: 'held-up', passedPerSec: undefined });
  });

  it('blames the host, not the generator, where sends are late from idle workers', async () => {
    const figures = { answeredRatio: 1, latencyP50Ns: 1, latencyP99Ns: 1 };
    const lags = [4e6, 2e6, 3e6];
    let probes = 0;
    const always = await findCeiling(() =>
      Promise.resolve({ ...figures, busyRatio: 0.1, sendLagP99Ns: lags[probes++ % 3]! }),
    );
    expect(always).toEqual({
      state: 'held-up',
      passedPerSec: undefined,
      failedPerSec: 1000,
      sendLagP99Ns: 2e6,
      busyRatio: 0.1,
    });
    expect(probes).toBe(3);
    const above = await findCeiling((rate) =>
      Promise.resolve({ ...figures, busyRatio: 0.2, sendLagP99Ns: rate > 5000 ? 2e6 : 1e5 }),
    );
    expect(above).toMatchObject({ state: 'held-up', passedPerSec: expect.any(Number) });
    expect(above.state === 'held-up' && above.passedPerSec).toBeGreaterThan(4600);
  });

  it('takes a busy generator and missing answers for its limit too', async () => {
    const figures = { sendLagP99Ns: 1000, busyRatio: 0.2, answeredRatio: 1, latencyP50Ns: 1, latencyP99Ns: 1 };
    const busy = await maxRateOf((rate) => Promise.resolve({ ...figures, busyRatio: rate / 10_000 }));
    expect(busy).toBeLessThan(8000);
    const unanswered = await maxRateOf((rate) =>
      Promise.resolve({ ...figures, answeredRatio: Math.min(1, 3000 / rate) }),
    );
    expect(unanswered).toBeLessThan(3100);
  });
});
