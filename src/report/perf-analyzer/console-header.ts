/** The settings that perf_analyzer prints before it measures. */

/** What the command line asked for, in perf_analyzer's terms. */
export interface PerfAnalyzerSettings {
  readonly protocol: 'grpc' | 'http';
  readonly batchSize: number;
  readonly warmupRequestCount?: number | undefined;
  readonly requestCount?: number | undefined;
  readonly measurementMode: 'time_windows' | 'count_windows';
  readonly measurementIntervalMs: number;
  readonly measurementRequestCount: number;
  readonly percentile?: number | undefined;
  readonly latencyLimitMs: number;
  /** The end of the range where one was given. */
  readonly rangeEnd?: number | undefined;
  readonly loadKind: 'concurrency' | 'request-rate' | 'intervals';
  readonly distribution: 'constant' | 'poisson';
  readonly isBinarySearch: boolean;
  readonly isAsync: boolean;
  readonly isVerbose: boolean;
  readonly collectsMetrics: boolean;
}

/** At most two decimals, as the stream has them. */
export const describePercent = (value: number): string => String(Number(value.toFixed(2)));

export function headerLines(settings: PerfAnalyzerSettings): string[] {
  return [
    '*** Measurement Settings ***',
    `  Batch size: ${settings.batchSize}`,
    '  Service Kind: TRITON',
    ...(settings.warmupRequestCount ? [`  Sending ${settings.warmupRequestCount} warmup requests`] : []),
    ...(settings.requestCount ? [`  Sending ${settings.requestCount} benchmark requests`] : windowLines(settings)),
    ...limitLines(settings),
    ...(settings.loadKind === 'request-rate'
      ? [`  Using ${settings.distribution === 'poisson' ? 'poisson' : 'uniform'} distribution on request generation`]
      : []),
    ...(settings.isBinarySearch ? ['  Using Binary Search algorithm'] : []),
    `  Using ${settings.isAsync ? 'asynchronous' : 'synchronous'} calls for inference`,
  ];
}

function windowLines(settings: PerfAnalyzerSettings): string[] {
  const { measurementMode, percentile, isAsync } = settings;
  // No space after the percentile: scripts may look for the words as they are.
  const judged = percentile === undefined ? 'average ' : `p${percentile}`;
  return [
    `  Using "${measurementMode}" mode for stabilization`,
    `  Stabilizing using ${judged}${isAsync ? 'throughput' : 'latency and throughput'}`,
    measurementMode === 'time_windows'
      ? `  Measurement window: ${settings.measurementIntervalMs} msec`
      : `  Minimum number of samples in each window: ${settings.measurementRequestCount}`,
  ];
}

function limitLines({ rangeEnd, latencyLimitMs, loadKind }: PerfAnalyzerSettings): string[] {
  if (rangeEnd === undefined || rangeEnd === 1 || loadKind === 'intervals') return [];
  const limit =
    loadKind === 'concurrency'
      ? `  Concurrency limit: ${rangeEnd} concurrent requests`
      : `  Request Rate limit: ${rangeEnd} requests per seconds`;
  return [`  Latency limit: ${latencyLimitMs} msec`, limit];
}
