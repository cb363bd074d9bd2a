import { describe, expect, it } from 'vitest';
import { fitDrift, observeDrift } from '../../src/calibrate/fit-drift.js';
import { createRng } from '../../src/common/random.js';

/** Rates of a quarter second each, of a host whose speed drifts as an autoregressive process. */
function watch(seed: number, durationSec: number, ratio: number, correlationSec: number, noise = 0.03) {
  const rng = createRng(seed);
  const memory = Math.exp(-0.25 / correlationSec);
  let drift = ratio * rng.normal();
  const rates = Float64Array.from({ length: durationSec * 4 }, () => {
    drift = memory * drift + ratio * Math.sqrt(1 - memory ** 2) * rng.normal();
    return 1000 * Math.exp(drift + noise * rng.normal());
  });
  return observeDrift(rates, 4, '2026-01-02T03:04:05.000Z');
}

const sessions = (count: number, ratio: number, correlationSec: number) =>
  Array.from({ length: count }, (_, seed) => watch(seed + 1, 60, ratio, correlationSec));

describe('the drift of a host', () => {
  it.each([
    [0.07, 15],
    [0.02, 8],
    [0.15, 30],
  ])('is found where it is %f over %i s', (ratio, correlationSec) => {
    const drift = fitDrift(sessions(20, ratio, correlationSec))!;
    expect(drift.ratio / ratio).toBeGreaterThan(0.75);
    expect(drift.ratio / ratio).toBeLessThan(1.35);
    expect(drift.correlationNs / 1e9 / correlationSec).toBeGreaterThan(0.4);
    expect(drift.correlationNs / 1e9 / correlationSec).toBeLessThan(2.5);
    expect(drift).toMatchObject({ isMeasured: true });
  });

  it('is small on a steady host, and never none', () => {
    const drift = fitDrift([watch(1, 60, 0.001, 10)])!;
    expect(drift.ratio).toBeLessThan(0.012);
    expect(drift.ratio).toBeGreaterThanOrEqual(0.005);
  });

  it('is known better from more sessions', () => {
    expect(fitDrift(sessions(1, 0.07, 15))!.freedom).toBe(4);
    expect(fitDrift(sessions(20, 0.07, 15))!.freedom).toBeGreaterThan(10);
  });

  it('is unknown from too short a look', () => {
    expect(fitDrift([])).toBeUndefined();
    expect(fitDrift([watch(1, 3, 0.07, 15)])).toBeUndefined();
  });

  it('bears rates of zero', () => {
    const drift = fitDrift([observeDrift(new Float64Array(240), 4, '')])!;
    expect(Number.isFinite(drift.ratio)).toBe(true);
  });
});
