/** What is watched beside the requests of one level: the host's CPUs, the generator's own limits, and the monitors of a run. */
import { getPriority } from 'node:os';
import type { Clock } from '../common/clock.js';
import { elapsed, type Instant } from '../common/units.js';
import type { WorkerUsage } from '../load/load-session.js';
import type { Standstill } from '../load/standstills.js';
import { verdictOf } from '../record/level-judgement.js';
import type { GeneratorRecord, LevelRecord, Warning } from '../record/run-record.js';
import { pressureBetween, pressureWarnings, readCpuPressure } from './limits/cpu-pressure.js';
import { hostLoadBetween, judgeHostLoad, readHostLoad, waitingRatio } from './limits/host-load.js';
import { judgeStandstills } from './limits/standstill.js';
import type { LevelMonitor } from './measurement.js';

export interface LevelWatch {
  /** Ends watching; call it once, when sending ends. */
  end(usage: WorkerUsage): void;
  /** The record with what was watched in its window; a level that the host held back is limited by the client. */
  complete(record: LevelRecord, begin: Instant): Promise<LevelRecord>;
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
  let generator: GeneratorRecord | null = null;
  let warnings: readonly Warning[] = [];
  let host: Disturbance | undefined;
  let standstills: readonly Standstill[] = [];
  return {
    end(usage) {
      const after = readPressure();
      const elapsedNs = elapsed(started, clock.now());
      const hostAfter = readHost(monitor?.cpuUse?.());
      const hostLoad = hostLoadBetween(hostBefore, hostAfter, elapsedNs, getPriority() > 0);
      const waiting = waitingRatio(hostBefore, hostAfter, elapsedNs);
      host = judgeHostLoad(hostLoad, waiting);
      standstills = usage.generator?.standstills ?? [];
      generator = {
        ...generatorRecord(usage, pressureBetween(before, after, elapsedNs, usage.cpuNs)),
        othersCpuCount: hostLoad?.othersCpuCount ?? null,
        cpuWaitRatio: waiting,
      };
      warnings = pressureWarnings(before, after, elapsedNs);
      monitor?.pause();
    },
    async complete(record, begin) {
      const from = begin + record.warmupNs;
      const inferenceCount = (record.throughputPerSec.value * record.durationNs) / 1e9;
      const monitors = (await monitor?.end(from, from + record.durationNs, inferenceCount)) ?? null;
      const isUsable = record.verdict !== 'INVALID';
      const isClientLimited = record.isClientLimited || (isUsable && warnings.length > 0);
      const verdict = isUsable ? verdictOf({ ...record, isClientLimited }) : record.verdict;
      const all = [...record.warnings, ...warnings];
      const watched = { ...record, verdict, isClientLimited, generator, monitors, warnings: all };
      const still = judgeStandstills(standstills, begin, from, from + record.durationNs);
      return disturb(disturb(withStandstills(watched, standstills, begin), host), still);
    },
  };
}

/** What came from outside: too much of it makes the level unsteady, and is the first reason; less is a word at the end. */
interface Disturbance {
  readonly warning: Warning;
  readonly isTooMuch: boolean;
}

function disturb(record: LevelRecord, disturbance: Disturbance | undefined): LevelRecord {
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
