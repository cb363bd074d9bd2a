/** Numbers as perf_analyzer's output streams write them: six significant digits, no trailing zeros, exponents from 1e+06. */
import { NANOS_PER_MICRO } from '../../common/units.js';

const DIGITS = 6;

/** C's `%g` with its default precision. */
export function formatStreamNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [mantissa, power] = value.toExponential(DIGITS - 1).split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < DIGITS) return String(Number(value.toPrecision(DIGITS)));
  return `${Number(mantissa)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** Whole microseconds, cut and not rounded. */
export const wholeMicros = (valueNs: number): number => Math.floor(valueNs / NANOS_PER_MICRO);
