/** What it means for a level that the load generator itself stood still: no request left, and no response was stamped, meanwhile. */
import type { Standstill } from '../../load/standstills.js';
import type { Warning } from '../../record/run-record.js';

/** Share of the measured window that a standstill may take before the level is not steady. */
const MAX_SHARE = 0.02;

export interface JudgedStandstill {
  readonly warning: Warning;
  readonly isTooMuch: boolean;
}

/** Of the standstills that reach into one of the windows of a level that began at `beginNs`; undefined for none. */
export function judgeStandstills(
  standstills: readonly Standstill[],
  beginNs: number,
  windows: readonly { readonly from: number; readonly to: number }[],
): JudgedStandstill | undefined {
  const inside = standstills.filter(({ atNs, durationNs }) =>
    windows.some(({ from, to }) => atNs < to && atNs + durationNs > from),
  );
  const [first, ...others] = inside;
  if (first === undefined) return undefined;
  const totalNs = inside.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const isTooMuch = totalNs > MAX_SHARE * windows.reduce((sum, { from, to }) => sum + to - from, 0);
  const when =
    others.length === 0
      ? `for ${seconds(totalNs)}, ${seconds(first.atNs - beginNs)} into the level`
      : `${inside.length} times for ${seconds(totalNs)} in all, first ${seconds(first.atNs - beginNs)} into the level`;
  const meaning = isTooMuch
    ? 'so the figures are not the server’s; run it again'
    : 'which is little beside the time of the level';
  return {
    isTooMuch,
    warning: {
      code: 'STOOD_STILL',
      message: `perf-ts itself stood still ${when} (stopped, suspended, or without a CPU): no request left and no response was noted meanwhile, ${meaning}.`,
    },
  };
}

const seconds = (ns: number): string => `${Number((Math.max(0, ns) / 1e9).toPrecision(2))} s`;
