/** What was watched over all visits to a level: sums stay sums, shares are weighed by time, and the worst stays the worst. */
import type { GeneratorRecord, MonitorsRecord, ServerTimes } from '../../record/run-record.js';
import type { Watched } from '../level-watch.js';
import type { HostLoad } from '../limits/host-load.js';

interface Weighed<T> {
  readonly of: T;
  readonly weight: number;
}

/** Mean of what is known; null where nothing is. */
function meanOf<T>(parts: readonly Weighed<T>[], pick: (of: T) => number | null | undefined): number | null {
  let sum = 0;
  let weights = 0;
  for (const { of, weight } of parts) {
    const value = pick(of);
    if (value === null || value === undefined) continue;
    sum += value * weight;
    weights += weight;
  }
  return weights === 0 ? null : sum / weights;
}

/** Of what is known; null where nothing is. */
function fold<T>(
  parts: readonly Weighed<T>[],
  pick: (of: T) => number | null | undefined,
  join: (values: readonly number[]) => number,
): number | null {
  const values = parts.map(({ of }) => pick(of)).filter((value) => value !== null && value !== undefined);
  return values.length === 0 ? null : join(values);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), -Infinity);

export function joinWatched(parts: readonly Watched[]): Watched {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const weighed = <T>(pick: (part: Watched) => T | null | undefined): Weighed<T>[] =>
    parts.flatMap((part) => {
      const of = pick(part);
      return of === null || of === undefined ? [] : [{ of, weight: Math.max(1, part.elapsedNs) }];
    });
  const warnings = new Map(parts.flatMap((part) => part.warnings).map((warning) => [warning.code, warning]));
  const hosts = weighed(({ host }) => host);
  return {
    elapsedNs: sum(parts.map(({ elapsedNs }) => elapsedNs)),
    inferenceCount: sum(parts.map(({ inferenceCount }) => inferenceCount)),
    generator: joinGenerators(weighed(({ generator }) => generator)),
    monitors: joinMonitors(
      weighed(({ monitors }) => monitors),
      parts,
    ),
    warnings: [...warnings.values()],
    // A visit whose part is not known leaves the whole unknown.
    host: hosts.length < parts.length ? undefined : joinHosts(hosts),
    standstills: parts.flatMap(({ standstills }) => standstills),
  };
}

function joinHosts(parts: readonly Weighed<HostLoad>[]): HostLoad | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const total = sum(parts.map(({ weight }) => weight));
  const byName = new Map<string, number>();
  for (const { of, weight } of parts) {
    for (const { name, cpuCount } of of.others) byName.set(name, (byName.get(name) ?? 0) + (cpuCount * weight) / total);
  }
  return {
    othersCpuCount: meanOf(parts, (host) => host.othersCpuCount) ?? 0,
    cpuCount: first.of.cpuCount,
    idleRatio: meanOf(parts, (host) => host.idleRatio) ?? 0,
    others: [...byName].map(([name, cpuCount]) => ({ name, cpuCount })).sort((a, b) => b.cpuCount - a.cpuCount),
  };
}

function joinGenerators(parts: readonly Weighed<GeneratorRecord>[]): GeneratorRecord | null {
  const last = parts.at(-1);
  if (last === undefined) return null;
  const scheduling = (['ordinary', 'raised', 'real-time'] as const).find((kind) =>
    parts.some(({ of }) => of.scheduling === kind),
  );
  return {
    busyRatio: meanOf(parts, (part) => part.busyRatio) ?? 0,
    busySliceRatio: meanOf(parts, (part) => part.busySliceRatio),
    timestampUncertaintyNs: fold(parts, (part) => part.timestampUncertaintyNs, largest),
    ...(scheduling !== undefined && { scheduling }),
    clientCpuCount: meanOf(parts, (part) => part.clientCpuCount),
    clientCpuShare: meanOf(parts, (part) => part.clientCpuShare),
    othersCpuCount: meanOf(parts, (part) => part.othersCpuCount),
    cpuWaitRatio: meanOf(parts, (part) => part.cpuWaitRatio),
    gcPauseNs: sum(parts.map(({ of }) => of.gcPauseNs)),
    gcMaxPauseNs: largest(parts.map(({ of }) => of.gcMaxPauseNs)),
    stealRatio: meanOf(parts, (part) => part.stealRatio),
    throttledNs: fold(parts, (part) => part.throttledNs, sum),
  };
}

function joinMonitors(parts: readonly Weighed<MonitorsRecord>[], watched: readonly Watched[]): MonitorsRecord | null {
  const last = parts.at(-1)?.of;
  if (last === undefined) return null;
  const byInferences = watched.flatMap(({ monitors, inferenceCount }) =>
    monitors === null ? [] : [{ of: monitors, weight: inferenceCount }],
  );
  return {
    ...last,
    serverCpuCount: meanOf(parts, (part) => part.serverCpuCount),
    serverMemoryBytes: fold(parts, (part) => part.serverMemoryBytes, largest),
    gpus: last.gpus.map((gpu) => {
      const own = parts.flatMap(({ of, weight }) =>
        of.gpus.filter(({ id }) => id === gpu.id).map((found) => ({ of: found, weight })),
      );
      return {
        ...gpu,
        utilizationRatio: meanOf(own, (part) => part.utilizationRatio),
        powerWatts: meanOf(own, (part) => part.powerWatts),
        memoryUsedBytes: fold(own, (part) => part.memoryUsedBytes, largest),
        energyJoules: fold(own, (part) => part.energyJoules, sum),
      };
    }),
    energyPerInferenceJoules: meanOf(byInferences, (part) => part.energyPerInferenceJoules),
    serverMetrics: joinMetrics(parts),
  };
}

/** A gauge has its largest value beside it, as `max NAME`; what has none is a counter, whose growth adds up. */
function joinMetrics(parts: readonly Weighed<MonitorsRecord>[]): Record<string, number> | null {
  const known = parts.flatMap(({ of, weight }) =>
    of.serverMetrics === null ? [] : [{ of: of.serverMetrics, weight }],
  );
  if (known.length === 0) return null;
  const names = new Set(known.flatMap(({ of }) => Object.keys(of)));
  const joined: Record<string, number> = {};
  for (const name of names) {
    const pick = (of: Record<string, number>): number | undefined => of[name];
    const value = names.has(`max ${name}`)
      ? meanOf(known, pick)
      : fold(known, pick, name.startsWith('max ') ? largest : sum);
    if (value !== null) joined[name] = value;
  }
  return joined;
}

/** Averages weighed by successful requests; counts add up. Undefined where no visit tells. */
export function joinServerTimes(parts: readonly (ServerTimes | undefined)[]): ServerTimes | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < 2) return known[0];
  const weighed = known.map((of) => ({ of, weight: of.successCount ?? of.inferenceCount }));
  const average = (pick: (of: ServerTimes) => number | undefined): number => Math.round(meanOf(weighed, pick) ?? 0);
  return {
    queueNs: average((part) => part.queueNs),
    computeInputNs: average((part) => part.computeInputNs),
    computeInferNs: average((part) => part.computeInferNs),
    computeOutputNs: average((part) => part.computeOutputNs),
    inferenceCount: sum(known.map((part) => part.inferenceCount)),
    executionCount: sum(known.map((part) => part.executionCount)),
    requestNs: average((part) => part.requestNs),
    successCount: sum(known.map((part) => part.successCount ?? 0)),
  };
}
