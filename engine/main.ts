/** Runs the engine until it is told to end. The command line (`perf-ts serve`) calls this. */
import { messageOf } from '../src/common/errors.js';
import { calmCollector } from './garbage-collector.js';
import { createEngineLog } from './log/create-engine-log.js';
import type { EngineLog, LogSettings } from './log/engine-log.js';
import type { EngineOptions } from './options.js';
import type { ServedModel } from './served-model.js';
import { type Engine, startEngine } from './server.js';

export interface ReadyEngine {
  /** `host:port`, or undefined when gRPC was not allowed. */
  readonly grpcEndpoint: string | undefined;
  /** `host:port`, or undefined when HTTP was not allowed. */
  readonly httpEndpoint: string | undefined;
  /** `host:port`, or undefined when metrics were not allowed. */
  readonly metricsEndpoint: string | undefined;
  /** Each served version. */
  readonly models: readonly {
    readonly name: string;
    readonly version: string;
    /** Which execution providers took which nodes; empty where only the CPU's own was asked for. */
    readonly assignments: NonNullable<ServedModel['assignments']>;
  }[];
}

export interface ServeHooks {
  /** Called once, when every port is open and every model is served. */
  ready(engine: ReadyEngine): void;
  /** Aborts to end the engine. */
  readonly signal: AbortSignal;
  /** Takes log text, whole lines with their ends, where no log file is named; stderr unless given. */
  readonly write?: (text: string) => void;
}

const endpointOf = (address: string, port: number | undefined): string | undefined =>
  port === undefined ? undefined : `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** Resolves once the signal has aborted, or at once if it has already. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/**
 * Starts the engine, says so, and serves until the signal aborts; then drains within the exit timeout and resolves: to
 * false when requests were given up and threads may still be running them.
 * Throws PerfTsError for whatever keeps the engine from starting.
 */
export async function runServe(options: EngineOptions, hooks: ServeHooks): Promise<boolean> {
  const stopCalming = calmCollector();
  const log = createEngineLog(logSettingsOf(options), hooks.write === undefined ? {} : { write: hooks.write });
  try {
    return await serve(options, hooks, log);
  } catch (thrown) {
    // Whoever called says it to people; a log file would end without a reason.
    if (log.settings().log_file !== '') log.error(messageOf(thrown));
    throw thrown;
  } finally {
    stopCalming();
    await log.close();
  }
}

const logSettingsOf = (options: EngineOptions): LogSettings => ({
  log_file: options.logFile ?? '',
  log_info: options.logInfo,
  log_warning: options.logWarning,
  log_error: options.logError,
  log_verbose_level: options.logVerbose,
  log_format: options.logFormat,
});

async function serve(options: EngineOptions, hooks: ServeHooks, log: EngineLog): Promise<boolean> {
  const engine = await startEngine(options, { log });
  let isDrained = true;
  try {
    if (!hooks.signal.aborted) tellReady(engine, options, hooks, log);
    await aborted(hooks.signal);
  } finally {
    log.info('ending');
    isDrained = await engine.close();
    log.info('ended');
  }
  return isDrained;
}

function tellReady(engine: Engine, options: EngineOptions, hooks: ServeHooks, log: EngineLog): void {
  const grpcEndpoint = endpointOf(options.grpcAddress, engine.grpcPort);
  const httpEndpoint = endpointOf(options.httpAddress, engine.httpPort);
  log.info(`ready: gRPC on ${grpcEndpoint ?? 'no port'}, HTTP on ${httpEndpoint ?? 'no port'}`);
  hooks.ready({
    grpcEndpoint,
    httpEndpoint,
    metricsEndpoint: endpointOf(options.metricsAddress ?? options.httpAddress, engine.metricsPort),
    models: engine.models.map(({ name, version, assignments = [] }) => ({ name, version, assignments })),
  });
}
