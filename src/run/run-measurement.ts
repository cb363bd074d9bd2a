/**
 * One measuring run from end to end: target, plan, workers, levels, record. The record is saved after every level, and
 * whatever was started is stopped on every way out.
 */
import { systemClock } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { packageVersion } from '../common/package-root.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { describeHost } from '../measure/host-fingerprint.js';
import { measureRun } from '../measure/measure-run.js';
import type { MeasureListener } from '../measure/measurement.js';
import type { LoadPlan } from '../plan/load-plan.js';
import { createLoadPlan, type PlanOptions } from '../plan/plan.js';
import { createLatencyLog } from '../record/latency-log.js';
import type { RunRecord } from '../record/run-record.js';
import { createRunStore, type RunStore } from '../record/run-store.js';
import { openTarget, type TargetChoice } from '../target/choose-target.js';
import type { Target } from '../target/target.js';

export interface MeasurementOptions {
  readonly target: TargetChoice;
  readonly plan: Omit<PlanOptions, 'protocol' | 'endpoint' | 'model' | 'modelVersion'>;
  readonly resultsFolder: string;
  /** Command line for the record. */
  readonly command: readonly string[];
}

export interface RunListener extends MeasureListener {
  /** A plain sentence about what is going on before the first level. */
  say(sentence: string): void;
}

export interface FinishedRun {
  readonly record: RunRecord;
  readonly store: RunStore;
  /** What cut the run short after at least one level, such as an engine that died. */
  readonly failure: PerfTsError | undefined;
}

/**
 * Throws PerfTsError when no level was finished: for bad options, an unusable target or folder, or an interrupt; no
 * folder is left behind then. With finished levels it returns them, whatever ended the run.
 */
export async function runMeasurement(
  options: MeasurementOptions,
  listener: RunListener,
  signal: AbortSignal,
): Promise<FinishedRun> {
  const store = await createRunStore({ resultsFolder: options.resultsFolder, model: options.target.model });
  let finished: FinishedRun | undefined;
  try {
    const target = await openTarget(options.target, (sentence) => listener.say(sentence), signal);
    try {
      finished = await measureTarget(options, target, store, listener, signal);
    } finally {
      await target.close();
    }
    return finished;
  } finally {
    if (finished === undefined) await store.discard();
  }
}

async function measureTarget(
  options: MeasurementOptions,
  target: Target,
  store: RunStore,
  listener: RunListener,
  signal: AbortSignal,
): Promise<FinishedRun> {
  const { model, modelVersion } = options.target;
  const { admin, endpoint, protocol } = target;
  const metadata = await admin.modelMetadata(model, modelVersion);
  const config = await admin.modelConfig(model, modelVersion);
  const plan = createLoadPlan({ ...options.plan, model, modelVersion, endpoint, protocol }, metadata, config);
  let record = await startRecord(options, target, plan, store, config);

  const latencyLog = createLatencyLog(new Date(record.startedAt));
  const pool = await startLoadWorkers(plan);
  // A target that dies ends the measuring too, not only the wait for it.
  const ending = new AbortController();
  const runSignal = AbortSignal.any([signal, ending.signal]);
  let failure: PerfTsError | undefined;
  try {
    const run = measureRun({
      plan,
      pool,
      admin,
      clock: systemClock,
      signal: runSignal,
      listener: {
        onProgress: (progress) => listener.onProgress(progress),
        async onLevel(level, columns) {
          // What a dying target left of its last level says nothing of serving.
          if (ending.signal.aborted) return;
          record = { ...record, finishedAt: new Date().toISOString(), levels: [...record.levels, level] };
          await store.saveSamples(record.levels.length - 1, columns);
          latencyLog.addLevel(`concurrency-${level.load.concurrency}`, columns);
          await store.saveText('latency.hlog', latencyLog.text());
          await store.saveRun(record);
          await listener.onLevel(level, columns);
        },
      },
    });
    // When the target dies first, the run ends some time after this function.
    run.catch(() => undefined);
    const outcome = await Promise.race([run, target.failure]);
    record = { ...record, state: outcome.state };
  } catch (thrown) {
    if (!(thrown instanceof PerfTsError) || record.levels.length === 0) throw thrown;
    failure = thrown;
    record = {
      ...record,
      state: 'failed',
      warnings: [...record.warnings, { code: thrown.code, message: thrown.message }],
    };
  } finally {
    ending.abort();
    await pool.close();
  }
  if (record.levels.length === 0) throw new PerfTsError('INTERRUPTED', { what: 'stopped before a level was finished' });
  record = { ...record, finishedAt: new Date().toISOString() };
  await store.saveRun(record);
  return { record, store, failure };
}

async function startRecord(
  options: MeasurementOptions,
  target: Target,
  plan: LoadPlan,
  store: RunStore,
  modelConfig: unknown,
): Promise<RunRecord> {
  const server = await target.admin.serverMetadata();
  const startedAt = new Date().toISOString();
  return {
    schema: 'perf-ts/run@1',
    id: store.id,
    startedAt,
    finishedAt: startedAt,
    tool: { version: packageVersion, command: [...options.command] },
    model: plan.model,
    modelVersion: plan.modelVersion,
    directory: store.directory,
    state: 'interrupted',
    target: {
      kind: target.kind,
      endpoint: target.endpoint,
      protocol: target.protocol,
      server: { name: server.name, version: server.version },
      isDemoModel: target.isDemoModel,
    },
    plan,
    modelConfig: modelConfig ?? null,
    host: await describeHost(),
    warnings: [],
    levels: [],
  };
}
