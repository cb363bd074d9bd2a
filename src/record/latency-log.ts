/**
 * Latencies as an HdrHistogram log (`.hlog`, format 1.3), one tagged interval a level, for the plotters and tools that
 * read it. For export only: perf-ts itself computes from the raw samples.
 */
import { build, HistogramLogWriter } from 'hdr-histogram-js';
import type { SampleColumns } from './samples-file.js';

const OK = 1;
const HIGHEST_LATENCY_NS = 3_600_000_000_000;

export interface LatencyLogLevel {
  /** Such as `concurrency-4`; a comma or space would break the log's columns. */
  readonly tag: string;
  readonly columns: SampleColumns;
}

/** Successful requests' latencies from the intended start, in nanoseconds, to three significant digits. */
export function formatLatencyLog(startedAt: Date, levels: readonly LatencyLogLevel[]): string {
  const lines: string[] = [];
  const writer = new HistogramLogWriter((text) => lines.push(text));
  const originNs = Math.min(...levels.filter(({ columns }) => columns.length > 0).map(firstInstant));
  writer.outputComment('[latency from the intended start, nanoseconds; written by perf-ts]');
  writer.outputLogFormatVersion();
  writer.outputStartTime(startedAt.getTime());
  writer.outputLegend();
  for (const { tag, columns } of levels) {
    if (columns.length === 0) continue;
    const histogram = build({
      bitBucketSize: 64,
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_LATENCY_NS,
      numberOfSignificantValueDigits: 3,
    });
    for (let row = 0; row < columns.length; row++) {
      if (columns.outcomes[row] !== OK) continue;
      const latencyNs = columns.receivedNs[row]! - columns.intendedNs[row]!;
      histogram.recordValue(Math.min(HIGHEST_LATENCY_NS, Math.max(1, Math.round(latencyNs))));
    }
    histogram.tag = tag.replaceAll(/[\s,]/g, '_');
    const startSec = (firstInstant({ columns }) - originNs) / 1e9;
    const endSec = (columns.receivedNs[columns.length - 1]! - originNs) / 1e9;
    writer.outputIntervalHistogram(histogram, startSec, endSec, 1e6);
  }
  return lines.join('');
}

const firstInstant = ({ columns }: Pick<LatencyLogLevel, 'columns'>): number => {
  let first = Number.POSITIVE_INFINITY;
  for (let row = 0; row < columns.length; row++) first = Math.min(first, columns.intendedNs[row]!);
  return first;
};
