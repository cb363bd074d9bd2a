/**
 * Student's t distribution: what turns a standard error from few batches into an interval. The distribution function
 * is the regularised incomplete beta function (Abramowitz and Stegun 26.5.27), its quantile a bisection on it.
 */

/** ln(gamma(x)) for x > 0: Stirling's series (Abramowitz and Stegun 6.1.41) after a shift to where it is exact to 1e-14. */
function lnGamma(x: number): number {
  let product = 1;
  let at = x;
  for (; at < 12; at++) product *= at;
  const inverse = 1 / (at * at);
  const series = (1 / 12 + inverse * (-1 / 360 + inverse * (1 / 1260 - inverse / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - Math.log(product);
}

/** The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), evaluated as Lentz proposed. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let numerator = 1;
  let denominator = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = denominator;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let factor = 1;
    for (const coefficient of [even, odd]) {
      denominator = 1 / away(1 + coefficient * denominator);
      numerator = away(1 + coefficient / numerator);
      factor = denominator * numerator;
      fraction *= factor;
    }
    if (Math.abs(factor - 1) < 1e-14) break;
  }
  return fraction;
}

/** I_x(a, b) for 0 <= x <= 1 and positive a and b. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges quickly on one side only; the other follows from the symmetry of the function.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** Probability that a t variable with `freedom` degrees of freedom is at most `t`. */
export function studentCdf(t: number, freedom: number): number {
  const tail = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

const quantiles = new Map<string, number>();

/** The t that a variable with `freedom` degrees of freedom stays below with `probability` (0 to 1, both excluded). */
export function studentQuantile(probability: number, freedom: number): number {
  if (!(probability > 0 && probability < 1)) throw new RangeError(`no t quantile of ${probability}`);
  if (probability < 0.5) return -studentQuantile(1 - probability, freedom);
  const key = `${probability}/${freedom}`;
  const known = quantiles.get(key);
  if (known !== undefined) return known;
  let low = 0;
  let high = 1;
  while (studentCdf(high, freedom) < probability) high *= 2;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  quantiles.set(key, high);
  return high;
}

/** The t of a two-sided interval of `confidence`, such as 0.95. */
export const twoSidedT = (confidence: number, freedom: number): number =>
  studentQuantile(1 - (1 - confidence) / 2, freedom);
