/** Expected improvement (Mockus 1975; Jones, Schonlau, Welch 1998), and the normal distribution it needs. */

/** Added to every variance: the noise below which a forest's trees cannot tell variants apart. */
const LEAST_VARIANCE = 1e-4;

/** (mean - best - margin) Phi(z) + sd phi(z), z = (mean - best - margin) / sd, for a score to be maximised. */
export function expectedImprovement(mean: number, variance: number, best: number, margin: number): number {
  const deviation = Math.sqrt(variance + LEAST_VARIANCE);
  const gain = mean - best - margin;
  const z = gain / deviation;
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  return Math.max(0, gain * normalCdf(z) + deviation * density);
}

/** Phi(z) by Abramowitz and Stegun 26.2.17, within 7.5e-8. */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (series * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI);
  return z >= 0 ? 1 - tail : tail;
}
