/**
 * Branded numbers for time, size, rate and share. They are made only here and in `clock.ts`, so a plain number
 * cannot be passed where a unit is meant. Inside perf-ts time is always integer nanoseconds.
 */

declare const unit: unique symbol;
type Branded<Name extends string> = number & { readonly [unit]: Name };

/** A duration in integer nanoseconds. */
export type Nanos = Branded<'Nanos'>;
/** An instant on the host's monotonic clock, in integer nanoseconds since an arbitrary origin shared by all threads. */
export type Instant = Branded<'Instant'>;
/** A size in bytes. */
export type Bytes = Branded<'Bytes'>;
/** Events per second. */
export type PerSec = Branded<'PerSec'>;
/** A share from 0 to 1. */
export type Ratio = Branded<'Ratio'>;

export const NANOS_PER_MICRO = 1_000;
export const NANOS_PER_MILLI = 1_000_000;
export const NANOS_PER_SEC = 1_000_000_000;

export const nanos = (value: number): Nanos => Math.round(value) as Nanos;
export const micros = (value: number): Nanos => nanos(value * NANOS_PER_MICRO);
export const millis = (value: number): Nanos => nanos(value * NANOS_PER_MILLI);
export const seconds = (value: number): Nanos => nanos(value * NANOS_PER_SEC);
export const instant = (valueNs: number): Instant => Math.round(valueNs) as Instant;
export const bytes = (value: number): Bytes => Math.round(value) as Bytes;
export const perSec = (value: number): PerSec => value as PerSec;
export const ratio = (value: number): Ratio => value as Ratio;

/** Milliseconds of a duration, for timers. */
export const toMillis = (value: Nanos): number => value / NANOS_PER_MILLI;
/** Seconds of a duration, for rates. */
export const toSeconds = (value: Nanos): number => value / NANOS_PER_SEC;
/** Time from one instant to a later one. */
export const elapsed = (from: Instant, to: Instant): Nanos => (to - from) as Nanos;
/** The instant `duration` after `from`. */
export const after = (from: Instant, duration: Nanos): Instant => (from + duration) as Instant;
/** Events per second for `count` events in `duration`. */
export const rate = (count: number, duration: Nanos): PerSec => perSec(count / toSeconds(duration));
