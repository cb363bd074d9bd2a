/** The engine's ways in, made from its options, and started together. */
import { PerfTsError } from '../src/common/errors.js';
import { throwAll } from './free-ports.js';
import { createServices, type EngineServices } from './frontend/engine-services.js';
import type { FrontEnd } from './frontend/front-end.js';
import { limitsOf } from './frontend/grpc-wire/grpc-options.js';
import { createGrpcWireFrontEnd } from './frontend/grpc-wire/grpc-wire-front-end.js';
import { HttpFrontEnd } from './frontend/http-front-end.js';
import type { ModelSource } from './frontend/model-source.js';
import { readTlsIdentity } from './frontend/tls-identity.js';
import type { EngineLog } from './log/engine-log.js';
import type { MemoryPoolGauges } from './metrics/memory-pool-gauges.js';
import { hasCounterLatencies } from './metrics/metrics-config.js';
import { MetricsFrontEnd } from './metrics/metrics-front-end.js';
import type { EngineOptions } from './options.js';
import { SharedMemoryRegions } from './shared-memory/shared-memory-regions.js';

export interface FrontEnds {
  readonly grpc: FrontEnd | undefined;
  readonly http: FrontEnd | undefined;
  readonly metrics: FrontEnd | undefined;
  readonly services: EngineServices;
}

/** Undefined for what was not allowed. */
export interface EnginePorts {
  readonly grpcPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly metricsPort: number | undefined;
}

/** What front ends tell of besides the models. */
export interface FrontEndParts {
  readonly log: EngineLog;
  pinnedMemory(): MemoryPoolGauges;
}

/** Nothing listens yet. Throws PerfTsError BAD_OPTION for what this system does not have. */
export function createFrontEnds(options: EngineOptions, source: ModelSource, parts: FrontEndParts): FrontEnds {
  const { allowGrpc, grpcAddress, grpcPort, allowHttp, httpAddress, httpPort, httpMaxInputSize } = options;
  const services = createServices({
    serverName: options.id,
    sharedMemory: options.allowClientShm ? new SharedMemoryRegions() : undefined,
    log: parts.log,
  });
  const compressionLevel = options.grpcInferResponseCompressionLevel;
  const http = {
    address: httpAddress,
    port: httpPort,
    maxInputBytes: httpMaxInputSize,
    allowedOrigins: options.httpAllowedOrigin,
  };
  return {
    services,
    grpc: allowGrpc
      ? createGrpcWireFrontEnd(
          { address: grpcAddress, port: grpcPort, tls: readTlsIdentity(options), compressionLevel },
          source,
          limitsOf(options),
          services,
        )
      : undefined,
    http: allowHttp ? new HttpFrontEnd(http, source, services) : undefined,
    metrics: options.allowMetrics ? createMetrics(options, source, parts) : undefined,
  };
}

const createMetrics = (options: EngineOptions, source: ModelSource, { pinnedMemory }: FrontEndParts): FrontEnd =>
  new MetricsFrontEnd(
    {
      address: options.metricsAddress ?? options.httpAddress,
      port: options.metricsPort,
      intervalMs: options.metricsIntervalMs,
      hasCpuMetrics: options.allowCpuMetrics,
      hasLatencies: hasCounterLatencies(options.metricsConfig),
    },
    { models: () => source.models(), pinnedMemory },
  );

/** Every port, or one PerfTsError with the problems of all. */
export async function listen({ grpc, http, metrics }: FrontEnds): Promise<EnginePorts> {
  const starts = await Promise.allSettled([grpc?.start(), http?.start(), metrics?.start()]);
  const reasons = starts.flatMap((start): unknown[] => (start.status === 'rejected' ? [start.reason] : []));
  const fault = reasons.find((reason) => !(reason instanceof PerfTsError));
  if (fault !== undefined) throw fault;
  const known = reasons.filter((reason) => reason instanceof PerfTsError);
  throwAll(known);
  const [grpcPort, httpPort, metricsPort] = starts.map((start) =>
    start.status === 'fulfilled' ? start.value : undefined,
  );
  return { grpcPort, httpPort, metricsPort };
}

/** Resolves once what was accepted is answered, or cut off because `deadline` aborted. */
export async function closeFrontEnds(
  { grpc, http, metrics, services }: FrontEnds,
  deadline: AbortSignal,
): Promise<void> {
  await Promise.all([grpc?.close(deadline), http?.close(deadline), metrics?.close(deadline)]);
  services.sharedMemory?.unregisterAll();
}
