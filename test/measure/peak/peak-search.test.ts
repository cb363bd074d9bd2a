import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { type Probe, searchPeak } from '../../../src/measure/peak/peak-search.js';

/** A server that holds up to `limit`, seen through `noise`, the standard deviation of what a probe takes the rate for. */
const limited = (limit: number, noise = 0, seed = 1) =>
  (() => {
    const rng = createRng(seed);
    return (rate: number): Promise<Probe> => {
      const seen = rate * (1 + noise * rng.normal());
      return Promise.resolve({ requestRatePerSec: rate, result: seen <= limit ? 'pass' : 'fail', latencyNs: null });
    };
  })();

/**
 * p99 of the time in an M/D/1 queue with unit service at `load`, simulated (Lindley): waiting is what is left of the
 * work when a request comes.
 */
function p99OfQueue(load: number, seed: number, requests: number): number {
  const rng = createRng(seed);
  const times = new Float64Array(requests);
  let waiting = 0;
  for (let i = 0; i < requests; i++) {
    times[i] = waiting + 1;
    waiting = Math.max(0, waiting + 1 + Math.log(1 - rng.next()) / load);
  }
  return times.sort()[Math.ceil(0.99 * requests) - 1]!;
}

describe('the search for the peak', () => {
  it('finds the limit of a server within 3 %, wherever it begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 5, max: 1e5, noNaN: true }),
        fc.double({ min: 0.02, max: 50, noNaN: true }),
        async (limit, startShare) => {
          const found = await searchPeak({ startPerSec: limit * startShare, measureAt: limited(limit) });
          expect(found.requestRatePerSec!).toBeLessThanOrEqual(limit);
          expect(found.requestRatePerSec!).toBeGreaterThan(limit / 1.0201);
          expect(found.lowestFailPerSec!).toBeGreaterThan(limit);
          expect(found.lowestFailPerSec! / found.requestRatePerSec!).toBeLessThanOrEqual(1.02 + 1e-9);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('stays within 3 % below and above where every probe errs by 1 %', async () => {
    const found = await Promise.all(
      Array.from({ length: 200 }, (_, seed) => searchPeak({ startPerSec: 300, measureAt: limited(1000, 0.01, seed) })),
    );
    const rates = found.map(({ requestRatePerSec }) => requestRatePerSec!);
    expect(rates.filter((rate) => rate > 1030).length).toBe(0);
    expect(rates.filter((rate) => rate < 940).length).toBeLessThan(10);
    expect(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toBeCloseTo(980, -1.4);
    expect(rates.every((rate) => rate !== undefined)).toBe(true);
  });

  it('finds the rate at which the p99 of an M/D/1 queue reaches its limit', async () => {
    const limit = p99OfQueue(0.8, 999, 4_000_000);
    const measureAt = (rate: number, seedIndex: number): Promise<Probe> => {
      const latencyNs = p99OfQueue(rate, seedIndex, 300_000);
      return Promise.resolve({ requestRatePerSec: rate, result: latencyNs <= limit ? 'pass' : 'fail', latencyNs });
    };
    const { requestRatePerSec } = await searchPeak({ startPerSec: 0.3, measureAt });
    expect(Math.abs(requestRatePerSec! - 0.8) / 0.8).toBeLessThan(0.03);
  });

  it('gives every probe fresh seeds, the three that confirm too', async () => {
    const seeds: number[] = [];
    const measureAt = limited(700);
    const found = await searchPeak({
      startPerSec: 100,
      measureAt: (rate, seedIndex) => {
        seeds.push(seedIndex);
        return measureAt(rate);
      },
    });
    expect(seeds).toEqual(seeds.map((_, index) => index));
    const passes = found.probes.filter((probe) => probe.requestRatePerSec === found.requestRatePerSec);
    expect(passes.map(({ result }) => result)).toEqual(['pass', 'pass', 'pass', 'pass']);
  });

  it('steps down when a fresh run does not hold what was found', async () => {
    // Passes at first sight up to 1000, but only 900 hold every time.
    const looks = new Map<number, number>();
    const measureAt = (rate: number): Promise<Probe> => {
      const look = (looks.get(rate) ?? 0) + 1;
      looks.set(rate, look);
      const holds = rate <= 900 || (rate <= 1000 && look === 1);
      return Promise.resolve({ requestRatePerSec: rate, result: holds ? 'pass' : 'fail', latencyNs: null });
    };
    const { requestRatePerSec, lowestFailPerSec } = await searchPeak({ startPerSec: 500, measureAt });
    expect(requestRatePerSec!).toBeLessThanOrEqual(900);
    expect(requestRatePerSec!).toBeGreaterThan(900 / 1.02 ** 3);
    expect(lowestFailPerSec! / requestRatePerSec!).toBeLessThan(1.02 ** 3 + 1e-9);
  });

  it('goes up again after a disturbance that failed every rate for a while', async () => {
    let count = 0;
    const undisturbed = limited(6400);
    const found = await searchPeak({
      startPerSec: 3200,
      measureAt: async (rate) => {
        const probe = await undisturbed(rate);
        return count++ < 14 ? { ...probe, result: rate < 8 ? 'pass' : 'fail' } : probe;
      },
    });
    expect(found.requestRatePerSec! / 6400).toBeGreaterThan(1 / 1.03);
    expect(found.requestRatePerSec!).toBeLessThanOrEqual(6400);
  });

  it('reports only rates that it probed and that passed three fresh times, whatever the probes say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), async (seed, share) => {
        const rng = createRng(seed);
        const found = await searchPeak({
          startPerSec: 100,
          measureAt: (requestRatePerSec) => {
            const result = rng.next() < share ? 'pass' : rng.next() < 0.8 ? 'fail' : 'unclear';
            return Promise.resolve({ requestRatePerSec, result, latencyNs: 1 });
          },
        });
        const { requestRatePerSec: rate, lowestFailPerSec: fail, probes } = found;
        const resultsAt = (at: number) => probes.filter((probe) => probe.requestRatePerSec === at);
        if (rate !== undefined)
          expect(resultsAt(rate).filter(({ result }) => result === 'pass').length).toBeGreaterThanOrEqual(3);
        if (fail !== undefined) {
          expect(resultsAt(fail).some(({ result }) => result === 'fail')).toBe(true);
          expect(fail).toBeGreaterThan(rate ?? 0);
        }
        expect(probes.length).toBeLessThanOrEqual(120);
      }),
      { numRuns: 300 },
    );
  });

  it('looks twice where a probe is unclear, and takes what stays unclear for a fail', async () => {
    const results: Probe['result'][] = ['unclear', 'pass', 'unclear', 'unclear', 'fail'];
    const probes: number[] = [];
    await searchPeak({
      startPerSec: 100,
      measureAt: (requestRatePerSec) => {
        probes.push(requestRatePerSec);
        const result = results[probes.length - 1] ?? (requestRatePerSec > 100 ? 'fail' : 'pass');
        return Promise.resolve({ requestRatePerSec, result, latencyNs: 1 });
      },
    });
    expect(probes.slice(0, 5)).toEqual([100, 100, 200, 200, Math.sqrt(20_000)]);
  });

  it('ends at the highest rate allowed when that one holds', async () => {
    const found = await searchPeak({ startPerSec: 100, endPerSec: 350, measureAt: limited(1e6) });
    expect(found).toMatchObject({ requestRatePerSec: 350, lowestFailPerSec: undefined });
  });

  it('says that no rate holds when none does', async () => {
    const found = await searchPeak({ startPerSec: 100, measureAt: limited(0) });
    expect(found).toMatchObject({ requestRatePerSec: undefined });
    expect(found.probes.length).toBeLessThan(20);
  });

  it('keeps what it knows when it is interrupted', async () => {
    let count = 0;
    const measureAt = limited(1000);
    const found = await searchPeak({
      startPerSec: 100,
      measureAt: (rate) => (count++ < 6 ? measureAt(rate) : Promise.resolve(undefined)),
    });
    expect(found).toMatchObject({ requestRatePerSec: undefined, isInterrupted: true });
    expect(found.probes.some(({ result }) => result === 'pass')).toBe(true);
  });
});
