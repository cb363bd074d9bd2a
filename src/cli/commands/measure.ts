/** `perf-ts -m MODEL …`: measure, show, save. */
import type { OptionValues } from '../../common/option-row.js';
import { type MeasurementOptions, runMeasurement } from '../../run/run-measurement.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodeOfRun } from '../exit-code.js';
import { createLevelProgress } from '../level-progress.js';
import { translatePerfAnalyzerWords } from '../perf-analyzer-flags.js';
import { reportLate } from '../report-error.js';
import { compatibleLoad, compatibleProtocol } from './compat.js';
import { readLoadOptions } from './measure-load.js';
import { measureRows } from './measure-options.js';
import { protocolOf, withoutSecrets } from './measure-requests.js';
import { showRun, withProfileExport } from './run-outputs.js';

type MeasureValues = OptionValues<typeof measureRows>;

export const measureCommand = defineCommand({
  usage: 'perf-ts -m MODEL [options]',
  examples: [
    ['perf-ts -m text_recognition --concurrency-range 1:64', 'a demo model on the bundled engine'],
    ['perf-ts -m resnet50 -u localhost:8001 --concurrency-range 1:32', 'a model on a running server'],
    ['perf-ts -m mine --model-repository ./models -b 8', 'your model on the bundled engine'],
    ['perf-ts -m mine --peak -l 20', 'the highest request rate with a p99 latency of at most 20 ms'],
  ],
  rows: measureRows,
  translate: translatePerfAnalyzerWords,
  run: measure,
});

async function measure(values: MeasureValues, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const progress = createLevelProgress(terminal);
  const options = await toMeasurementOptions(values, context.argv);
  explainAccepted(values, terminal);
  const listener = await withProfileExport(progress, values);
  const finished = await runMeasurement(options, listener, signal).catch(async (thrown: unknown) => {
    await listener.close();
    throw thrown;
  });
  const unexported = await listener.close();
  progress.close();
  const unwritten = await showRun(finished, values, context);
  const { failure, unsaved } = finished;
  if (failure !== undefined) terminal.say('perf-ts: the run ended early:');
  const faults = [...(failure === undefined ? [] : [failure]), ...unsaved, ...unexported, ...unwritten];
  return reportLate(faults, terminal, exitCodeOfRun(finished.record));
}

async function toMeasurementOptions(values: MeasureValues, argv: readonly string[]): Promise<MeasurementOptions> {
  const [first, ...others] = values.models;
  const load = await readLoadOptions(values);
  const protocol = protocolOf(values);
  return {
    target: {
      server: values.server,
      endpoint: values.url?.endpoint,
      protocol: values.compat === undefined ? protocol : compatibleProtocol(protocol),
      model: first!.model,
      modelVersion: values.modelVersion,
      otherModels: others.map(({ model }) => model),
      modelRepository: values.modelRepository,
      wantsMetrics: values.collectMetrics,
      // The engine shares memory on Linux only, and a comparison can do without.
      wantsSharedMemory: values.sharedMemory !== 'none' || (values.compareClients && process.platform === 'linux'),
      tls: load.tls,
      headers: load.headers,
      ortLibrary: await libraryOf(values),
    },
    metrics: { isAsked: values.collectMetrics, url: values.metricsUrl, interval: values.metricsInterval },
    models: values.models.map(({ model, weight }) => ({ model, weight, modelVersion: values.modelVersion })),
    plan: values.compat === undefined ? load : compatibleLoad(load, values),
    comparesClients: values.compareClients,
    resultsFolder: values.results,
    command: ['perf-ts', ...withoutSecrets(argv)],
  };
}

/** Found before anything is started, so that a wrong name is told at once. */
async function libraryOf({ runtime }: MeasureValues): Promise<string | undefined> {
  if (runtime === undefined) return undefined;
  const { resolveRuntime } = await import('../../runtime/resolve-runtime.js');
  return resolveRuntime(runtime).libraryPath;
}

/** What is not as a reader of the command line would think. */
function explainAccepted(
  { async: isAsync, sync, grpcCompression }: MeasureValues,
  terminal: CommandContext['terminal'],
): void {
  if (grpcCompression !== 'none')
    terminal.say('Compressed gRPC is sent by @grpc/grpc-js: it compresses each request anew.');
  if (!isAsync && !sync) return;
  terminal.say('perf-ts never waits in sending, so --async and --sync change only what --max-threads means.');
}
