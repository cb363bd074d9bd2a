/** The engine as a whole: front ends and models, started together and closed in order. */

import { setTimeout as delay } from 'node:timers/promises';
import { describeProblem } from '../src/common/errors.js';
import { requireTelemetryOff } from '../src/onnxruntime/telemetry.js';
import { requireFreePorts } from './free-ports.js';
import type { EnginePorts, FrontEnds } from './front-ends.js';
import { resolveHostPolicies } from './instance/host-policy.js';
import { InlineModels } from './instance/inline-models.js';
import { endSpareWorkers } from './instance/spare-workers.js';
import { createSilentLog } from './log/create-engine-log.js';
import type { EngineLog } from './log/engine-log.js';
import { PinnedMemoryPool, type PinnedPoolUsage } from './memory/pinned-memory-pool.js';
import { loadModel } from './model.js';
import { checkEngineOptions, type EngineOptions } from './options.js';
import { createRepository } from './repository/create-repository.js';
import type { LoadModel, ModelRepository } from './repository/model-repository.js';
import { type RepositoryPoller, startPolling } from './repository/repository-poller.js';
import type { ServedModel } from './served-model.js';

export interface Engine extends EnginePorts {
  readonly models: readonly ServedModel[];
  /** What the pinned memory pool has and gives. */
  pinnedMemory(): PinnedPoolUsage;
  /**
   * Accepts nothing new, finishes accepted requests within the exit timeout, and frees everything. False when requests
   * were given up: threads may then still be running them.
   */
  close(): Promise<boolean>;
}

/** Probes are to be answered soon, however long it takes until the first model can be loaded. */
const LONGEST_WAIT_MS = 250;

export interface EngineParts {
  /** Stands in for the real loader in tests. */
  readonly loadModel?: LoadModel;
  /** Told what the engine does and executes. It stays open: whoever made it closes it after the engine. */
  readonly log?: EngineLog;
}

/**
 * Loads the models, starts to listen meanwhile, and resolves once all models are served; until then the engine says
 * that it is not ready. Ports are tried first, because one in use should not be found out after minutes of loading.
 * Throws PerfTsError for contradicting options, ports in use, and (unless told to go on) models that fail to load.
 * Call it on the main thread.
 */
export async function startEngine(options: EngineOptions, parts: EngineParts = {}): Promise<Engine> {
  checkEngineOptions(options);
  // Workers load the library, but only the main thread can set what native code reads from the environment.
  requireTelemetryOff();
  const log = parts.log ?? createSilentLog();
  const load = parts.loadModel ?? loadModel;
  const hostPolicies = resolveHostPolicies(options.hostPolicy);
  const tensorMemory = new PinnedMemoryPool(options.pinnedMemoryPoolByteSize);
  log.info(tensorMemory.describe());
  for (const { note } of options.backendConfig) if (note !== undefined) log.warn(note);
  const inlineModels = options.inlineTinyModels ? { inlineModels: new InlineModels() } : {};
  const ending = new AbortController();
  let onLoading = (): void => undefined;
  const firstLoad = new Promise<void>((resolve) => {
    onLoading = resolve;
  });
  const repository = createRepository(options, {
    loadModel(model) {
      // Not within this turn: the model's threads are to have their orders.
      setImmediate(onLoading);
      return load({ ...model, log, tensorMemory, hostPolicies, ...inlineModels });
    },
    log,
    signal: ending.signal,
  });
  let frontEnds: FrontEnds | undefined;
  let poller: RepositoryPoller | undefined;
  const close = async (): Promise<boolean> => {
    ending.abort();
    // Before the models end, so that no look at the files brings one back; a look under way finds that out by itself.
    void poller?.close();
    return closeInOrder(frontEnds, repository, options.exitTimeoutSecs * 1000, log);
  };
  try {
    await requireFreePorts(options);
    const loading = repository.load();
    // Should the front ends fail, nobody asks any more how this ended.
    loading.catch(() => undefined);
    // Their code takes as long to load as a small model; so that is done while other threads load the first one.
    await Promise.race([firstLoad, loading.catch(() => undefined), delay(LONGEST_WAIT_MS, undefined, { ref: false })]);
    const { createFrontEnds, listen } = await import('./front-ends.js');
    frontEnds = createFrontEnds(options, repository, { log, pinnedMemory: () => tensorMemory.usage() });
    const ports = await listen(frontEnds);
    const failure = await loading;
    if (failure !== undefined && options.exitOnError) throw failure;
    for (const problem of failure?.problems ?? []) log.warn(`not served: ${describeProblem(problem)}`);
    if (options.modelControlMode === 'poll') {
      const intervalMs = options.repositoryPollSecs * 1000;
      poller = startPolling({ repository, intervalMs, warn: (line) => log.warn(line) });
    }
    return { ...ports, models: repository.models(), pinnedMemory: () => tensorMemory.usage(), close };
  } catch (thrown) {
    await close();
    throw thrown;
  } finally {
    endSpareWorkers();
  }
}

/**
 * Models first, so that accepted requests are answered and probes are told "not ready" while they are; requests that
 * come meanwhile are refused by the models. Then the front ends, with whatever was left within the exit timeout.
 */
async function closeInOrder(
  frontEnds: FrontEnds | undefined,
  repository: ModelRepository,
  timeoutMs: number,
  log: EngineLog,
): Promise<boolean> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const isOver = new Promise<void>((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    await Promise.race([repository.close(), isOver]);
    if (frontEnds !== undefined) await (await import('./front-ends.js')).closeFrontEnds(frontEnds, deadline.signal);
    if (deadline.signal.aborted) log.warn(`gave up requests that were not finished within ${timeoutMs / 1000} s`);
    return !deadline.signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}
