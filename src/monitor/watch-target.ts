/** Decides what of a target can be watched from here, and checks a metrics endpoint before it is relied on. */
import { messageOf, PerfTsError } from '../common/errors.js';
import { type Nanos, seconds } from '../common/units.js';
import type { LevelMonitor } from '../measure/measurement.js';
import type { Target } from '../target/target.js';
import { findListener } from './find-listener.js';
import { fetchMetrics } from './metrics-endpoint.js';
import { createServerMonitor } from './server-monitor.js';
import { placeOf } from './server-place.js';

/** Triton's own port for metrics. */
const DEFAULT_METRICS_PORT = 8002;

export interface MetricsChoice {
  readonly isAsked: boolean;
  /** Left out: the engine's own endpoint, or port 8002 of the server's host. */
  readonly url?: string | undefined;
  readonly interval: Nanos;
}

export const noMetrics: MetricsChoice = { isAsked: false, interval: seconds(1) };

/** Throws PerfTsError BAD_OPTION when metrics are asked for and the endpoint gives none. */
export async function watchTarget(
  target: Pick<Target, 'kind' | 'endpoint' | 'serverProcessId' | 'metricsUrl' | 'assignments'>,
  metrics: MetricsChoice,
): Promise<LevelMonitor> {
  const colon = target.endpoint.lastIndexOf(':');
  const host = target.endpoint.slice(0, colon);
  const place = await placeOf(host);
  const isLocal = place === 'here';
  const found = isLocal ? findListener(Number(target.endpoint.slice(colon + 1))) : undefined;
  const metricsUrl = metrics.isAsked
    ? (metrics.url ?? target.metricsUrl ?? `http://${host}:${DEFAULT_METRICS_PORT}/metrics`)
    : undefined;
  if (metricsUrl !== undefined) await checkMetrics(metricsUrl);
  return createServerMonitor({
    processId: target.serverProcessId ?? found,
    isLocal,
    isElsewhere: place === 'elsewhere',
    metricsUrl,
    metricsInterval: metrics.interval,
    assignments: target.assignments ?? [],
  });
}

async function checkMetrics(url: string): Promise<void> {
  try {
    await fetchMetrics(url);
  } catch (fault) {
    throw new PerfTsError(
      'BAD_OPTION',
      {
        where: '--collect-metrics',
        what: `no metrics from ${url}: ${messageOf(fault)}`,
        hint: 'name the endpoint with --metrics-url',
      },
      fault,
    );
  }
}
