/** Serves a pair for real: the model's config asks for the provider, and a fresh engine loads the build's library. */
import { availableParallelism } from 'node:os';
import type { AccuracyMetrics } from '../check/accuracy.js';
import { askServer, measureAccuracy, type ReferenceAnswers } from '../check/measure-accuracy.js';
import { defaultClientKinds, inferClients } from '../client/create-infer-client.js';
import { PerfTsError } from '../common/errors.js';
import { deriveSeed } from '../common/random.js';
import { formatModelConfig } from '../model-config/format-config.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { providerTable } from '../onnxruntime/provider-table.js';
import type { Target } from '../target/target.js';
import type { KnobContext } from '../tune/knobs/knob.js';
import { executionProvider } from '../tune/knobs/provider-knobs.js';
import type { EngineLauncher } from '../tune/launchers/engine-launcher.js';
import { closedLoad } from '../tune/studies/study-load.js';
import { pinServerDefaults, type StudyModel, type Variant } from '../tune/variants/variants.js';
import type { ServedPair, UsablePair } from './compare-runtimes.js';
import type { RuntimePair } from './runtime-comparison.js';

const REQUEST_TIMEOUT_MS = 120_000;

export interface PairServerOptions {
  readonly model: StudyModel;
  readonly launcher: EngineLauncher;
  readonly reference: ReferenceAnswers;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** Rejects with the engine's reason where it refuses the model on this pair. */
export async function servePair(
  { model, launcher, reference, concurrency, batchSize, seed }: PairServerOptions,
  pair: UsablePair,
  round: number,
  signal: AbortSignal,
): Promise<ServedPair> {
  const variant = variantOf(model, pair, batchSize);
  const served = await launcher.launchVariant(variant, { seed: deriveSeed(seed, round), signal });
  const { target } = served;
  return {
    loadTimeNs: served.loadTimeNs,
    nodes: target === undefined ? null : nodesOf(target),
    measure: (duration, ended) =>
      served.measure({
        load: closedLoad(concurrency, batchSize),
        duration,
        signal: ended,
        onProgress: () => undefined,
      }),
    async compareAnswers(ended) {
      if (target === undefined) throw new Error('a served pair without its target');
      return compareAnswers(target, model.name, reference, ended);
    },
    close: () => served.close(),
  };
}

/** The model as it is, but for the provider that its config asks for. */
export function variantOf(model: StudyModel, pair: UsablePair, batchSize: number): Variant {
  const { runtime, provider, libraryPath } = pair;
  const context: KnobContext = { config: model.completed, cpuCount: availableParallelism() };
  const usable = { ...context, providers: [provider] as NonNullable<KnobContext['providers']> };
  if (!executionProvider.values(usable).includes(provider)) throw unnamed(pair);
  const config = withinLimits(pair, executionProvider.write(pinServerDefaults(model), provider, usable));
  return {
    id: `${runtime}-${provider}`,
    parameters: {},
    changed: ['execution_provider'],
    config,
    configPbtxt: formatModelConfig(config),
    serverFlags: [`--ort-library=${libraryPath}`],
    load: { batchSize },
  };
}

/** A provider that survives one session in a process gets one instance, whatever a CPU would have by default. */
function withinLimits({ provider }: UsablePair, config: ModelConfig): ModelConfig {
  const isSingle = providerTable.some(({ name, isSingle }) => name === provider && isSingle === true);
  const [first] = config.instance_group ?? [];
  return isSingle && first !== undefined ? { ...config, instance_group: [{ ...first, count: 1 }] } : config;
}

const unnamed = ({ provider }: RuntimePair): PerfTsError =>
  new PerfTsError('BAD_OPTION', { what: `a config.pbtxt has no name for ${provider}, so no model can ask for it` });

/** Sums over devices; null where the engine has no report. */
function nodesOf({ assignments = [] }: Target): Readonly<Record<string, number>> | null {
  if (assignments.length === 0) return null;
  const counts: Record<string, number> = {};
  for (const { nodes } of assignments) {
    for (const [provider, count] of Object.entries(nodes)) counts[provider] = (counts[provider] ?? 0) + count;
  }
  return counts;
}

async function compareAnswers(
  target: Target,
  model: string,
  reference: ReferenceAnswers,
  signal: AbortSignal,
): Promise<AccuracyMetrics> {
  const metadata = await target.admin.modelMetadata(model);
  const client = await inferClients[defaultClientKinds[target.protocol]]({
    endpoint: target.endpoint,
    onCompletion: () => undefined,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  try {
    const ask = askServer(client, { metadata, timeoutMs: REQUEST_TIMEOUT_MS });
    const report = await Promise.race([measureAccuracy(reference, ask, { signal }), target.failure]);
    return report.metrics;
  } finally {
    await client.close();
  }
}
