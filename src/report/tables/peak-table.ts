/** The search for the highest rate under a limit: its answer in words, and what each probe said. */
import { formatDuration, formatRate, latencyColumn } from '../../common/format.js';
import type { PeakRecord } from '../../record/run-record.js';
import { numbers, type SideTable, words } from './side-table.js';

/** `latency_p99` as people say it. */
export const metricWords = (metric: string): string => metric.replace(/^latency_/, '').replace('_', '.');

/** One or two sentences; the limit may be absent, then the rate is what is served without a growing backlog. */
export function peakSentence(peak: PeakRecord): string {
  const { requestRatePerSec: rate, metric, latencyLimitNs } = peak;
  const limit =
    latencyLimitNs !== null ? `${metricWords(metric)} at most ${formatDuration(latencyLimitNs)}` : 'no backlog';
  if (rate === null || !peak.isConfirmed) return `No rate was shown to hold ${limit}${describePasses(peak)}.`;
  const text = formatRate(rate.value);
  const fails = rate.high === null ? '' : `; ${formatRate(rate.high)}/s did not hold`;
  return `The highest request rate shown to hold ${limit} is ${text} requests/s, confirmed with fresh requests${fails}.`;
}

/** What passed a probe and was not confirmed. */
function describePasses({ probes }: PeakRecord): string {
  const passed = probes.filter(({ result }) => result === 'pass').map(({ requestRatePerSec }) => requestRatePerSec);
  if (passed.length === 0) return probes.length === 0 ? '' : ', not even in a single probe';
  return `: ${formatRate(Math.max(...passed))}/s did in a probe, but not again in fresh ones`;
}

/** Probes in the order they were made. */
export function peakTable(peak: PeakRecord): SideTable {
  const times = latencyColumn(peak.probes.map(({ latencyNs }) => latencyNs));
  return {
    id: 'peak',
    title: 'Search for the peak rate',
    note: `Each probe in the order it was made${peak.latencyLimitNs !== null ? `; the limit is ${metricWords(peak.metric)} ${formatDuration(peak.latencyLimitNs)}` : ''}.`,
    columns: [
      numbers(
        'Request rate',
        peak.probes.map(({ requestRatePerSec }) => formatRate(requestRatePerSec)),
        '/s',
      ),
      numbers(
        metricWords(peak.metric),
        peak.probes.map(({ latencyNs }) => times.format(latencyNs)),
        times.unit,
      ),
      words(
        'Result',
        peak.probes.map(({ result }) => result),
      ),
    ],
    isDetail: true,
  };
}
