/** Parsers from what a person types to domain values. Each throws an Error that says what would have been right. */
import { type Nanos, nanos } from './units.js';

/** A whole number in [low, high]. */
export const parseInteger =
  (low: number, high = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < low || value > high) {
      const range = high === Number.MAX_SAFE_INTEGER ? `of ${low} or more` : `from ${low} to ${high}`;
      throw new Error(`must be a whole number ${range}, not '${text}'`);
    }
    return value;
  };

const nanosPerUnit: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
};

/** `250ms`, `10s`, `1.5m`, `1h`; the unit is required. */
export function parseDuration(text: string): Nanos {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|min|h)$/.exec(text.trim());
  if (!match) throw new Error(`must be a duration with a unit, such as 250ms, 10s or 5m, not '${text}'`);
  return nanos(Number(match[1]) * nanosPerUnit[match[2]!]!);
}

/** `5%` or `0.05` as 0.05, above 0 and at most 1. */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const value = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN;
  if (!(value > 0 && value <= 1)) throw new Error(`must be a share such as 5% or 0.05, not '${text}'`);
  return value;
}

/** As `parseShare`, and 0. */
export const parseShareOrNone = (text: string): number => (/^0+(?:\.0+)?%?$/.test(text.trim()) ? 0 : parseShare(text));

/** One of the given words. */
export const parseChoice =
  <const Choice extends string>(...choices: readonly Choice[]) =>
  (text: string): Choice => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new Error(`must be ${choices.join(' or ')}, not '${text}'`);
    return found;
  };

/** Any text but an empty one. */
export function parseText(text: string): string {
  if (text === '') throw new Error('must not be empty');
  return text;
}

/** `host:port` with a port from 1 to 65535; an IPv6 address is in brackets. */
export function isEndpoint(text: string): boolean {
  const [, port] = /^(?:\[[\da-fA-F:.]+\]|[^:/\s[\]]+):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** `host:port` or `[::1]:port`; a scheme before it is taken off. */
export function parseEndpoint(text: string): string {
  const bare = text.replace(/^(grpc|https?):\/\//, '').replace(/\/$/, '');
  if (!isEndpoint(bare)) throw new Error(`must be HOST:PORT, such as localhost:8001, not '${text}'`);
  return bare;
}
