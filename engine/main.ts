/** Runs the engine until it is told to end. The command line (`perf-ts serve`) calls this. */
import type { EngineOptions } from './options.js';
import { startEngine } from './server.js';

export interface ReadyEngine {
  /** `host:port`, or undefined when gRPC was not allowed. */
  readonly grpcEndpoint: string | undefined;
  /** `host:port`, or undefined when HTTP was not allowed. */
  readonly httpEndpoint: string | undefined;
  /** Each served version. */
  readonly models: readonly { readonly name: string; readonly version: string }[];
}

export interface ServeHooks {
  /** Called once, when every port is open and every model is served. */
  ready(engine: ReadyEngine): void;
  /** Aborts to end the engine. */
  readonly signal: AbortSignal;
  /** Lines for people: warnings, and with --log-verbose what the engine does; stderr unless given. */
  readonly write?: (line: string) => void;
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
 * Starts the engine, says so, and serves until the signal aborts; then drains within the exit timeout and resolves.
 * Throws PerfTsError for whatever keeps the engine from starting.
 */
export async function runServe(options: EngineOptions, hooks: ServeHooks): Promise<void> {
  const write = hooks.write ?? ((line: string): void => void process.stderr.write(`${line}\n`));
  const log = options.logVerbose > 0 ? write : (): void => undefined;
  const engine = await startEngine(options, { log, warn: write });
  try {
    if (hooks.signal.aborted) return;
    hooks.ready({
      grpcEndpoint: endpointOf(options.grpcAddress, engine.grpcPort),
      httpEndpoint: endpointOf(options.httpAddress, engine.httpPort),
      models: engine.models.map(({ name, version }) => ({ name, version })),
    });
    await aborted(hooks.signal);
  } finally {
    log('ending');
    await engine.close();
    log('ended');
  }
}
