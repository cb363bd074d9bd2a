/**
 * One measuring run from end to end: target, plan, workers, levels, record. The record is saved after every level, and
 * whatever was started is stopped on every way out.
 */
import { knownCeiling, knownDrift, plannedRequestBytes } from '../calibrate/known-ceiling.js';
import { systemClock } from '../common/clock.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import { toFault } from '../common/kept-writes.js';
import { packageVersion } from '../common/package-root.js';
import { NANOS_PER_SEC } from '../common/units.js';
import { noColumns } from '../load/request-columns.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { describeHost } from '../measure/limits/host-fingerprint.js';
import { measureRun } from '../measure/measure-run.js';
import type { MeasureListener } from '../measure/measurement.js';
import { withRefusedValues } from '../measure/refused-values.js';
import { type MetricsChoice, noMetrics, watchTarget } from '../monitor/watch-target.js';
import { type LoadPlan, recordedPlan } from '../plan/load-plan.js';
import { createLoadPlan, type DescribedModel, type PlanOptions } from '../plan/plan.js';
import type { LevelRecord, RunRecord } from '../record/run-record.js';
import { createRunStore, type RunStore } from '../record/run-store.js';
import { openTarget, type TargetChoice } from '../target/choose-target.js';
import { watchServer } from '../target/server-watch.js';
import type { Target } from '../target/target.js';
import { checkDescriptors } from './check-descriptors.js';
import { comparableLevel, compareClients, roundsFor } from './compare-clients.js';
import { correctCeiling } from './correct-ceiling.js';
import { KeptRun } from './kept-run.js';
import { endedUnanswered, proveAnswering } from './prove-answering.js';

/** A model that gets requests, and its share of them. */
export interface ModelChoice {
  readonly model: string;
  /** Left out lets the server choose. */
  readonly modelVersion?: string;
  /** Against the weights of the others; 1 by default. */
  readonly weight?: number;
}

export interface MeasurementOptions {
  readonly target: TargetChoice;
  readonly plan: Omit<PlanOptions, 'protocol' | 'endpoint'>;
  /** All models to load at once; left out, the target's only. */
  readonly models?: readonly ModelChoice[];
  readonly resultsFolder: string;
  /** The server's metrics endpoint; left out, it is not read. */
  readonly metrics?: MetricsChoice | undefined;
  /** Afterwards the same load is sent through every client, and their difference explained. */
  readonly comparesClients?: boolean | undefined;
  /** Command line for the record. */
  readonly command: readonly string[];
}

export interface RunListener extends MeasureListener {
  /** A plain sentence about what is going on before the first level. */
  say(sentence: string): void;
}

export interface FinishedRun {
  /** All levels that were measured, whether they could be saved or not. */
  readonly record: RunRecord;
  readonly store: RunStore;
  /** What cut the run short after at least one level: an engine that died, or a bug, which is no PerfTsError. */
  readonly failure: Error | undefined;
  /** What could not be written; the run went on. */
  readonly unsaved: readonly Error[];
}

/**
 * Throws when no level was finished: PerfTsError for bad options, an unusable target or folder, or an interrupt; no
 * folder is left behind then. With finished levels it returns them, whatever ended the run.
 */
export async function runMeasurement(
  options: MeasurementOptions,
  listener: RunListener,
  signal: AbortSignal,
): Promise<FinishedRun> {
  const store = await createRunStore({ resultsFolder: options.resultsFolder, model: options.target.model });
  try {
    const target = await openTarget(options.target, (sentence) => listener.say(sentence), signal);
    let run: MeasuredTarget | undefined;
    try {
      run = await measureTarget(options, target, store, listener, signal);
    } finally {
      await target.close().catch((thrown: unknown) => {
        if (run === undefined) return;
        run.failure ??= toFault(thrown);
        run.kept.fail(toFault(thrown));
      });
    }
    await run.kept.save();
    return { record: run.kept.record, store, failure: run.failure, unsaved: run.kept.unsaved };
  } finally {
    // A no-op once a level is on disk.
    await store.discard();
  }
}

interface MeasuredTarget {
  readonly kept: KeptRun;
  failure: Error | undefined;
}

async function measureTarget(
  options: MeasurementOptions,
  target: Target,
  store: RunStore,
  listener: RunListener,
  signal: AbortSignal,
): Promise<MeasuredTarget> {
  const { admin, endpoint, protocol } = target;
  const described = await describeModels(admin, options);
  const plan = createLoadPlan({ ...options.plan, endpoint, protocol }, described);
  const kept = new KeptRun(store, await startRecord(options, target, plan, store, described[0]?.config), (fault) =>
    listener.say(`Going on without what could not be written: ${fault.message}`),
  );
  await checkDescriptors(plan);
  const monitor = await watchTarget(target, options.metrics ?? noMetrics);
  const ceiling = await knownCeiling(plan);
  const drift = await knownDrift();
  const pool = await startLoadWorkers(plan);
  const watch = watchServer({ admin });
  const lost = Promise.race([target.failure, watch.gone]);
  lost.catch(() => undefined);
  // A target that dies ends the measuring too, not only the wait for it.
  const ending = new AbortController();
  const runSignal = AbortSignal.any([signal, ending.signal]);
  let failure: Error | undefined;
  let death: PerfTsError | undefined;
  try {
    const run = measureRun({
      plan,
      pool,
      admin,
      clock: systemClock,
      monitor,
      ceiling,
      drift,
      signal: runSignal,
      listener: {
        onProgress(progress) {
          watch.observe(progress);
          listener.onProgress(progress);
        },
        async onLevel(found, columns, exchanges, news) {
          const level = withRefusedValues(found, plan.models);
          // A level that was not under load when the target died has nothing to do with it.
          const isCut = death !== undefined && (news === undefined || news.visitColumns !== undefined);
          const own = isCut ? withDeath(level, death!) : level;
          const latest = news === undefined ? columns : (news.visitColumns ?? noColumns);
          await kept.putLevel(own, columns, news?.levelIndex, latest);
          if (news?.isLast !== false) await kept.tell(() => listener.onLevel(own, columns, exchanges));
        },
      },
    });
    // When the target dies first, the run ends some time after this function.
    run.catch(() => undefined);
    const outcome = await Promise.race([run, lost]).catch(async (fault: unknown) => {
      // What was answered before a target died is kept; without a target the level ends at once.
      if (fault instanceof PerfTsError && deaths.has(fault.code)) death = fault;
      ending.abort();
      await run.catch(() => undefined);
      throw fault;
    });
    if (kept.record.state !== 'failed') kept.change({ state: outcome.state });
    kept.warn(...outcome.warnings);
    await Promise.race([watch.settle(), lost]);
    kept.warn(...watch.warnings());
    if (endedUnanswered(kept.record.levels)) await Promise.race([proveAnswering(plan, runSignal), lost]);
    if (outcome.peak !== undefined) kept.change({ peak: outcome.peak });
    if (outcome.searches !== undefined) kept.change({ searches: [...outcome.searches] });
    const level = comparableLevel(kept.record.levels);
    if (options.comparesClients === true && outcome.state === 'complete' && level !== undefined) {
      const say = (sentence: string): void => listener.say(sentence);
      const sharing = withSharedMemory(options.plan, plannedRequestBytes(plan));
      const sharingPlan = createLoadPlan({ ...sharing, endpoint, protocol }, described);
      const comparing = compareClients({
        plan,
        sharingPlan,
        target,
        level,
        ...roundsFor(plan),
        say,
        signal: runSignal,
      });
      comparing.catch(() => undefined);
      const clientComparison = await Promise.race([comparing, lost]);
      if (clientComparison !== undefined) kept.change({ clientComparison });
    }
  } catch (thrown) {
    if (kept.levelCount === 0) throw thrown;
    failure = toFault(thrown);
    kept.fail(failure);
  } finally {
    ending.abort();
    watch.close();
    await pool.close().catch((thrown: unknown) => {
      failure ??= toFault(thrown);
      kept.fail(toFault(thrown));
    });
  }
  if (kept.levelCount === 0) throw new PerfTsError('INTERRUPTED', { what: 'stopped before a level was finished' });
  try {
    kept.change({ levels: await correctCeiling(kept.record.levels, plan, ceiling) });
  } catch (thrown) {
    kept.warn({ code: 'CEILING_NOT_CORRECTED', message: `The calibration stays as it was: ${messageOf(thrown)}` });
  }
  return { kept, failure };
}

/** Of a server that ended by itself: ours, which tells, and another’s, which is missed. */
const deaths: ReadonlySet<string> = new Set(['ENGINE_FAILED', 'TARGET_UNREACHABLE']);

/** What a level that was cut short says of itself, and of no interest beside what cut it short. */
const unsteadyCodes = [
  'SERVER_STOPPED',
  'INTERRUPTED',
  'WARM_UP_NOT_OVER',
  'DRIFT',
  'TARGET_MISSED',
  'TOO_FEW_REQUESTS',
];

/** A level cut short by the target's end: its figures are of the time before, and it is no measurement of serving. */
function withDeath(level: LevelRecord, { message }: PerfTsError): LevelRecord {
  const seconds = Number(((level.warmupNs + level.durationNs) / NANOS_PER_SEC).toPrecision(3));
  const others = level.warnings.filter(({ code }) => !unsteadyCodes.includes(code));
  const said = `The server ended ${seconds} s into the level; the figures are of the time before. ${message}`;
  return {
    ...level,
    verdict: 'INVALID',
    isSteady: false,
    isClientLimited: false,
    warnings: [{ code: 'SERVER_STOPPED', message: said }, ...others],
  };
}

/** Room for each row of an output of unknown size, as perf_analyzer has by default. */
const OUTPUT_ROOM_BYTES = 102_400;

/** An output of unknown size is often as large as what went in. */
const withSharedMemory = (plan: MeasurementOptions['plan'], requestBytes: number): MeasurementOptions['plan'] => ({
  ...plan,
  sharedMemory: plan.sharedMemory ?? { kind: 'system', outputBytes: Math.max(OUTPUT_ROOM_BYTES, requestBytes) },
});

/** What the server says of each model. Throws PerfTsError when it does not have one of them. */
async function describeModels(
  admin: Target['admin'],
  { target, models }: MeasurementOptions,
): Promise<DescribedModel[]> {
  const chosen: readonly ModelChoice[] = models ?? [{ model: target.model, modelVersion: target.modelVersion }];
  const described: DescribedModel[] = [];
  for (const { model, modelVersion = '', weight } of chosen) {
    const metadata = await admin.modelMetadata(model, modelVersion);
    described.push({ model, modelVersion, weight, metadata, config: await admin.modelConfig(model, modelVersion) });
  }
  return described;
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
    model: plan.models.map(({ model: name }) => name).join('+'),
    modelVersion: plan.models.length === 1 ? plan.models[0]!.modelVersion : '',
    directory: store.directory,
    state: 'interrupted',
    target: {
      kind: target.kind,
      endpoint: target.endpoint,
      protocol: target.protocol,
      client: plan.client,
      server: { name: server.name, version: server.version },
      isDemoModel: target.isDemoModel,
    },
    plan: recordedPlan(plan),
    modelConfig: modelConfig ?? null,
    host: await describeHost(),
    ...((target.assignments?.length ?? 0) > 0 && { assignments: [...target.assignments!] }),
    warnings: [],
    levels: [],
  };
}
