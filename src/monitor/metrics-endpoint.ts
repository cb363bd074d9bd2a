/** The metrics of a server over a level: asks its endpoint now and then, and sums up what came. */
import { largestOf } from '../common/append-all.js';
import { messageOf } from '../common/errors.js';
import { type MetricSample, parsePrometheusText } from './prometheus-text.js';

const TIMEOUT_MS = 2000;

export interface MetricsSnapshot {
  readonly atNs: number;
  readonly samples: readonly MetricSample[];
}

/** Throws Error with a reason in words where nothing there answers with metrics. */
export async function fetchMetrics(url: string): Promise<readonly MetricSample[]> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (fault) {
    const cause = fault instanceof Error && fault.cause !== undefined ? fault.cause : fault;
    throw new Error(messageOf(cause), { cause: fault });
  }
  if (!response.ok) throw new Error(`it answered with HTTP status ${response.status}`);
  const samples = parsePrometheusText(await response.text());
  if (samples.length === 0) throw new Error('it answered without any metric');
  return samples;
}

/** Gauges by their mean, and by their maximum under `max NAME`; counters by their growth. A counter that went back is left out. */
export function summarizeMetrics(snapshots: readonly MetricsSnapshot[]): Record<string, number> {
  const series = new Map<string, { readonly kind: MetricSample['kind']; readonly values: number[] }>();
  for (const { samples } of snapshots) {
    for (const { id, kind, value } of samples) {
      const known = series.get(id);
      if (known === undefined) series.set(id, { kind, values: [value] });
      else known.values.push(value);
    }
  }
  const summary: Record<string, number> = {};
  for (const [id, { kind, values }] of series) {
    if (kind === 'gauge') {
      summary[id] = values.reduce((sum, value) => sum + value, 0) / values.length;
      summary[`max ${id}`] = largestOf(values);
    } else if (kind === 'counter' && values.length > 1 && values.at(-1)! >= values[0]!) {
      summary[id] = values.at(-1)! - values[0]!;
    }
  }
  return summary;
}
