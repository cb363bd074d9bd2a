/** `perf-ts serve`: the engine alone. This is the one place in src where the engine is launched. */
import { runServe } from '../../../engine/main.js';
import { engineOptionRows } from '../../../engine/options.js';
import { PerfTsError } from '../../common/errors.js';
import type { EngineMessage } from '../../target/engine-message.js';
import { defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';

export const serveCommand = defineCommand({
  usage: 'perf-ts serve --model-repository DIR [options]',
  examples: [
    ['perf-ts serve --model-repository ./models', 'every model of a repository on ports 8000 and 8001'],
    ['perf-ts serve --model-repository ./models --grpc-port 0 --http-port 0', 'on free ports'],
  ],
  rows: engineOptionRows,
  endsBySignal: true,
  async run(options, { terminal, signal }) {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end, { once: true });
    // Whoever started this engine has gone, however it ended: so do we.
    process.once('disconnect', end);
    try {
      await runServe(options, {
        signal: ending.signal,
        ready(engine) {
          const models = engine.models.map(({ name, version }) => `${name} ${version}`).join(', ');
          terminal.say(`Serving ${models || 'no models'}`);
          if (engine.grpcEndpoint !== undefined) terminal.say(`gRPC  ${engine.grpcEndpoint}`);
          if (engine.httpEndpoint !== undefined) terminal.say(`HTTP  http://${engine.httpEndpoint}`);
          const { grpcEndpoint = '', httpEndpoint = '' } = engine;
          tellParent({ kind: 'ready', grpcEndpoint, httpEndpoint });
        },
      });
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

function tellParent(message: EngineMessage): void {
  if (process.connected) process.send?.(message);
}
