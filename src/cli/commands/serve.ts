/** `perf-ts serve`: the engine alone. This is the one place in src where the engine is launched. */
import { startSpareWorkers } from '../../../engine/instance/spare-workers.js';
import { type EngineOptions, engineOptionRows } from '../../../engine/options.js';
import { refusedFlags } from '../../../engine/refused-flags.js';
import { PerfTsError } from '../../common/errors.js';
import { loadAhead } from '../../common/load-ahead.js';
import type { EngineMessage } from '../../target/engine-message.js';
import { defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';

/** As many instances as a model has on the CPU that does not say how many. */
const SPARE_WORKERS = 2;

/**
 * Loads the engine and starts threads for its first instances, `ortLibrary` opened in them where it is given; '' stands for
 * the bundled one. All of it before the first import of the engine's own, which must not meet a part half done.
 */
export function prepareEngine(ortLibrary?: string): void {
  startSpareWorkers(SPARE_WORKERS, ortLibrary);
  for (const part of ['engine/main', 'engine/onnx-model', 'engine/front-ends']) loadAhead(part);
}

export const serveCommand = defineCommand({
  usage: 'perf-ts serve --model-repository DIR [options]',
  examples: [
    ['perf-ts serve --model-repository ./models', 'every model of a repository on ports 8000 and 8001'],
    ['perf-ts serve --model-repository ./models --grpc-port 0 --http-port 0', 'on free ports'],
  ],
  rows: engineOptionRows,
  refusedFlags,
  endsBySignal: true,
  async run(values, { terminal, signal }) {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end, { once: true });
    // Whoever started this engine has gone, however it ended: so do we.
    process.once('disconnect', end);
    // ... also where it had gone before anyone listened.
    if (process.send !== undefined && !process.connected) end();
    try {
      const options = await withRuntime(values);
      // Threads start while the rest of the engine is still being loaded. A library that may crash is not touched yet.
      prepareEngine(options.isolateLoad ? undefined : (options.ortLibrary ?? ''));
      const { runServe } = await import('../../../engine/main.js');
      const isDrained = await runServe(options, {
        signal: ending.signal,
        ready(engine) {
          const models = engine.models.map(({ name, version }) => `${name} ${version}`).join(', ');
          terminal.say(`Serving ${models || 'no models'}`);
          if (engine.grpcEndpoint !== undefined) terminal.say(`gRPC  ${engine.grpcEndpoint}`);
          if (engine.httpEndpoint !== undefined) terminal.say(`HTTP  http://${engine.httpEndpoint}`);
          if (engine.metricsEndpoint !== undefined) terminal.say(`Metrics  http://${engine.metricsEndpoint}/metrics`);
          const { grpcEndpoint = '', httpEndpoint = '', metricsEndpoint } = engine;
          const assignments = engine.models.flatMap(({ name, version, assignments: places }) =>
            places.map((place) => ({ model: name, version, ...place })),
          );
          const metrics = metricsEndpoint && { metricsEndpoint };
          tellParent({ kind: 'ready', grpcEndpoint, httpEndpoint, ...metrics, assignments });
        },
      });
      if (!isDrained) (await import('../../../engine/leave-process.js')).leaveProcess(exitCodes.requestsGivenUp);
      return exitCodes.ok;
    } catch (thrown) {
      if (thrown instanceof PerfTsError) tellParent({ kind: 'failed', code: thrown.code, problems: thrown.problems });
      throw thrown;
    } finally {
      process.off('disconnect', end);
      // The channel would keep the process alive.
      if (process.connected) process.disconnect();
    }
  },
});

/** The engine knows libraries by path only. What finds them by name is loaded only for those who ask. */
async function withRuntime(values: EngineOptions): Promise<EngineOptions> {
  if (values.runtime === undefined) return values;
  const { resolveRuntime } = await import('../../runtime/resolve-runtime.js');
  return { ...values, ortLibrary: resolveRuntime(values.runtime).libraryPath };
}

function tellParent(message: EngineMessage): void {
  if (process.connected) process.send?.(message);
}
