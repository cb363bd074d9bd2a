/** From the engine's options to its repository, with the loader that they ask for. */
import type { EngineLog } from '../log/engine-log.js';
import type { EngineOptions } from '../options.js';
import { tryIsolated } from './isolated-load.js';
import { type LoadModel, ModelRepository } from './model-repository.js';
import { defaultMaxBatchSizeOf } from './repository-settings.js';

export interface RepositoryParts {
  readonly loadModel: LoadModel;
  readonly log: EngineLog;
  /** Aborts to end loads that are tried in processes of their own. */
  readonly signal: AbortSignal;
}

export function createRepository(options: EngineOptions, { loadModel, log, signal }: RepositoryParts): ModelRepository {
  const { ortLibrary, modelConfigName: configName, modelControlMode, loadModel: names } = options;
  const defaultMaxBatchSize = defaultMaxBatchSizeOf(options.backendConfig);
  const timeoutMs = options.isolateLoadTimeoutSecs * 1000;
  const isolated: LoadModel = async (model) => {
    await tryIsolated(model, { timeoutMs, signal });
    return loadModel(model);
  };
  return new ModelRepository({
    repositories: options.modelRepository,
    modelNames: modelControlMode !== 'explicit' || names.includes('*') ? undefined : names,
    loadsOthers: !options.exitOnError,
    allowsControl: modelControlMode === 'explicit',
    isReadinessStrict: options.strictReadiness,
    rules: {
      isStrict: options.disableAutoCompleteConfig,
      keepsOptimized: options.optimizedModelCache,
      ...(ortLibrary === undefined ? {} : { ortLibrary }),
      ...(configName === undefined ? {} : { configName }),
      ...(defaultMaxBatchSize === undefined ? {} : { defaultMaxBatchSize }),
    },
    parallelLoads: options.modelLoadThreadCount,
    retryCount: options.modelLoadRetryCount,
    loadModel: options.isolateLoad ? isolated : loadModel,
    log: (line) => log.info(line),
  });
}
