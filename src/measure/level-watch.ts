/** What is watched beside the requests of one level: the host's CPUs, the generator's own limits, and the monitors of a run. */
import { getPriority } from 'node:os';
import type { Clock } from '../common/clock.js';
import { elapsed, type Instant } from '../common/units.js';
import type { WorkerUsage } from '../load/load-session.js';
import type { Standstill } from '../load/standstills.js';
import { verdictOf } from '../record/level-judgement.js';
import type { GeneratorRecord, LevelRecord, MonitorsRecord, Warning } from '../record/run-record.js';
import { pressureBetween, pressureWarnings, readCpuPressure } from './limits/cpu-pressure.js';
import { type HostLoad, hostLoadBetween, judgeHostLoad, readHostLoad, waitingRatio } from './limits/host-load.js';
import { judgeStandstills } from './limits/standstill.js';
import type { LevelMonitor } from './measurement.js';

/** What was seen beside the requests of one visit to a level. */
export interface Watched {
  readonly elapsedNs: number;
  readonly generator: GeneratorRecord | null;
  readonly monitors: MonitorsRecord | null;
  /** Of CPU time that the host was denied. */
  readonly warnings: readonly Warning[];
  /** Undefined where it cannot be known. */
  readonly host: HostLoad | undefined;
  readonly standstills: readonly Standstill[];
  readonly inferenceCount: number;
}

export interface LevelWatch {
  /** Ends watching; call it once, when sending ends. */
  end(usage: WorkerUsage): void;
  /** What was watched, of monitors in [from, to), in which so many inferences were made. The first call decides. */
  watched(from: Instant, to: Instant, inferenceCount: number): Promise<Watched>;
}

/** How the host is read; for tests. */
export interface HostReaders {
  readonly readPressure?: typeof readCpuPressure | undefined;
  readonly readHost?: typeof readHostLoad | undefined;
}

/** Begins to watch: right before the load begins. */
export function watchLimits(clock: Clock, readers: HostReaders, monitor?: LevelMonitor): LevelWatch {
  const { readPressure = readCpuPressure, readHost = readHostLoad } = readers;
  const before = readPressure();
  const hostBefore = readHost(monitor?.cpuUse?.());
  const started = clock.now();
  monitor?.begin();
  let seen: Pick<Watched, 'elapsedNs' | 'generator' | 'warnings' | 'host' | 'standstills'> = {
    elapsedNs: 0,
    generator: null,
    warnings: [],
    host: undefined,
    standstills: [],
  };
  let watching: Promise<Watched> | undefined;
  const complete = async (from: Instant, to: Instant, inferenceCount: number): Promise<Watched> => ({
    ...seen,
    inferenceCount,
    monitors: (await monitor?.end(from, to, inferenceCount)) ?? null,
  });
  return {
    end(usage) {
      const after = readPressure();
      const elapsedNs = elapsed(started, clock.now());
      const hostAfter = readHost(monitor?.cpuUse?.());
      const host = hostLoadBetween(hostBefore, hostAfter, elapsedNs, getPriority() > 0);
      const generator = {
        ...generatorRecord(usage, pressureBetween(before, after, elapsedNs, usage.cpuNs)),
        othersCpuCount: host?.othersCpuCount ?? null,
        cpuWaitRatio: waitingRatio(hostBefore, hostAfter, elapsedNs),
      };
      const warnings = pressureWarnings(before, after, elapsedNs);
      seen = { elapsedNs, generator, warnings, host, standstills: usage.generator?.standstills ?? [] };
      monitor?.pause();
    },
    watched(from, to, inferenceCount) {
      watching ??= complete(from, to, inferenceCount);
      return watching;
    },
  };
}

/** Where a level's time lay on the clock: its begin, and the windows of its visits. */
export interface LevelTimes {
  readonly begin: Instant;
  readonly windows: readonly { readonly from: Instant; readonly to: Instant }[];
}

/** `record` with what was watched; a level that the host held back is limited by the client, or not steady. */
export function withWatched(record: LevelRecord, watched: Watched, times: LevelTimes): LevelRecord {
  const { generator, monitors, host, standstills, warnings } = watched;
  const isUsable = record.verdict !== 'INVALID';
  const isClientLimited = record.isClientLimited || (isUsable && warnings.length > 0);
  const verdict = isUsable ? verdictOf({ ...record, isClientLimited }) : record.verdict;
  const all = [...record.warnings, ...warnings];
  const seen = { ...record, verdict, isClientLimited, generator, monitors, warnings: all };
  const busy = judgeHostLoad(host, generator?.cpuWaitRatio ?? null);
  const still = judgeStandstills(standstills, times.begin, times.windows);
  return disturb(disturb(withStandstills(seen, standstills, times.begin), busy), still);
}

/** What came from outside: too much of it makes the level unsteady, and is the first reason; less is a word at the end. */
export interface Disturbance {
  readonly warning: Warning;
  readonly isTooMuch: boolean;
}

export function disturb(record: LevelRecord, disturbance: Disturbance | undefined): LevelRecord {
  if (disturbance === undefined) return record;
  const { warning, isTooMuch } = disturbance;
  if (!isTooMuch || record.verdict === 'INVALID') return { ...record, warnings: [...record.warnings, warning] };
  return { ...record, verdict: 'UNSTABLE', isSteady: false, warnings: [warning, ...record.warnings] };
}

function withStandstills(record: LevelRecord, standstills: readonly Standstill[], begin: Instant): LevelRecord {
  if (standstills.length === 0 || record.generator === null) return record;
  const noted = standstills.map(({ atNs, durationNs }) => ({ startNs: atNs - begin, durationNs }));
  return { ...record, generator: { ...record.generator, standstills: noted } };
}

function generatorRecord(usage: WorkerUsage, pressure: ReturnType<typeof pressureBetween>): GeneratorRecord {
  const { generator } = usage;
  return {
    busyRatio: generator?.busyRatio ?? usage.maxBusyRatio,
    busySliceRatio: generator?.busySliceRatio ?? null,
    gcPauseNs: Math.round(generator?.gcPauseNs ?? 0),
    gcMaxPauseNs: Math.round(generator?.gcMaxPauseNs ?? 0),
    timestampUncertaintyNs: generator === undefined ? null : Math.round(generator.timestampUncertaintyNs),
    ...(generator && { scheduling: generator.scheduling }),
    ...pressure,
  };
}
