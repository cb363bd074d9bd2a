/**
 * Latencies as an HdrHistogram log (`.hlog`, format 1.3), one tagged interval a level, for the plotters and tools that
 * read it. For export only: perf-ts itself computes from the raw samples.
 */
import { build, HistogramLogWriter } from 'hdr-histogram-js';
import type { SampleColumns } from './samples-file.js';

const OK = 1;
const HIGHEST_LATENCY_NS = 3_600_000_000_000;
const NANOS_PER_SEC = 1e9;
/** The log's maximum column is in milliseconds, as other tools write it. */
const MAX_COLUMN_UNIT_NS = 1e6;

export interface LatencyLog {
  /** `tag` such as `concurrency-4`; what would break the log's columns is replaced. */
  addLevel(tag: string, columns: SampleColumns): void;
  /** The log so far. */
  text(): string;
}

/** Successful requests' latencies from the intended start, in nanoseconds, to three significant digits. */
export function createLatencyLog(startedAt: Date): LatencyLog {
  const lines: string[] = [];
  const writer = new HistogramLogWriter((text) => lines.push(text));
  writer.outputComment('[latency from the intended start, nanoseconds; written by perf-ts]');
  writer.outputLogFormatVersion();
  writer.outputStartTime(startedAt.getTime());
  writer.outputLegend();
  let originNs: number | undefined;
  return {
    addLevel(tag, columns) {
      if (columns.length === 0) return;
      const firstNs = firstInstant(columns);
      originNs ??= firstNs;
      const histogram = toHistogram(columns);
      histogram.tag = tag.replaceAll(/[\s,]/g, '_');
      const lastNs = columns.receivedNs[columns.length - 1]!;
      const startSec = (firstNs - originNs) / NANOS_PER_SEC;
      writer.outputIntervalHistogram(histogram, startSec, (lastNs - originNs) / NANOS_PER_SEC, MAX_COLUMN_UNIT_NS);
    },
    text: () => lines.join(''),
  };
}

function toHistogram(columns: SampleColumns) {
  const histogram = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_LATENCY_NS,
    numberOfSignificantValueDigits: 3,
  });
  for (let row = 0; row < columns.length; row++) {
    if (columns.outcomes[row] !== OK) continue;
    const latencyNs = Math.round(columns.receivedNs[row]! - columns.intendedNs[row]!);
    histogram.recordValue(Math.min(HIGHEST_LATENCY_NS, Math.max(1, latencyNs)));
  }
  return histogram;
}

function firstInstant({ intendedNs, length }: SampleColumns): number {
  let first = Number.POSITIVE_INFINITY;
  for (let row = 0; row < length; row++) first = Math.min(first, intendedNs[row]!);
  return first;
}
