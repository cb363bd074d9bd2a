/** What was watched beside the requests: how busy generator, server process and GPUs were at each level. */
import { largestOf } from '../../common/append-all.js';
import {
  durationColumn,
  formatBytes,
  formatNumber,
  formatPercent,
  latencyColumn,
  microseconds,
  NO_VALUE,
} from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { loadAxis, loadLabel } from '../load-axis.js';
import { numbers, type SideColumn, type SideTable, words } from './side-table.js';

type Read = (level: LevelRecord) => string | null;

/** Undefined where nothing was watched; a column without any number is left out. */
export function resourcesTable(levels: readonly LevelRecord[]): SideTable | undefined {
  const watched = levels.filter((level) => level.generator !== null || level.monitors !== null);
  if (watched.length === 0) return undefined;
  const axis = loadAxis(levels);
  const lags = latencyColumn(watched.map((level) => level.sendLagNs?.p99));
  const cpu = durationColumn(
    watched.map((level) => level.clientCpuNsPerRequest),
    microseconds,
  );
  const readers: readonly (readonly [string, Read])[] = [
    ['Generator busy', ({ generator }) => generator && formatPercent(generator.busyRatio)],
    [`Send lag p99 (${lags.unit})`, ({ sendLagNs }) => sendLagNs && lags.format(sendLagNs.p99)],
    [
      `Client CPU a request (${cpu.unit})`,
      ({ clientCpuNsPerRequest: used }) => (used === null ? null : cpu.format(used)),
    ],
    ['Longest GC pause (ms)', ({ generator }) => generator && formatNumber(generator.gcMaxPauseNs / 1e6, 1)],
    ['CPU taken by the hypervisor', ({ generator }) => share(generator?.stealRatio)],
    ['Server CPUs', ({ monitors }) => decimals(monitors?.serverCpuCount)],
    ['Server memory', ({ monitors }) => (monitors?.serverMemoryBytes ? formatBytes(monitors.serverMemoryBytes) : null)],
    ...gpuReaders(watched),
    ['Energy an inference (J)', ({ monitors }) => decimals(monitors?.energyPerInferenceJoules, 3)],
  ];
  const columns = readers.flatMap(([title, read]): SideColumn[] => {
    const cells = watched.map(read);
    return cells.every((cell) => cell === null)
      ? []
      : [
          numbers(
            title,
            cells.map((cell) => cell ?? NO_VALUE),
          ),
        ];
  });
  if (columns.length === 0) return undefined;
  const loads = words(
    axis.title,
    watched.map(({ load }) => loadLabel(axis, load)),
  );
  return {
    id: 'resources',
    title: 'Generator and host',
    note: 'Generator busy is the largest share of time that a load worker had no idle moment; near 100 % it, and not the server, is measured.',
    columns: [loads, ...columns],
    isDetail: true,
  };
}

const share = (ratio: number | null | undefined): string | null =>
  ratio === null || ratio === undefined ? null : formatPercent(ratio);

const decimals = (value: number | null | undefined, count = 2): string | null =>
  value === null || value === undefined ? null : formatNumber(value, count);

/** GPUs by their place in the list, with the number in the title only where there are several. */
function gpuReaders(levels: readonly LevelRecord[]): (readonly [string, Read])[] {
  const most = largestOf(
    levels.map(({ monitors }) => monitors?.gpus.length ?? 0),
    0,
  );
  return Array.from({ length: most }, (_, index) => {
    const name = most === 1 ? 'GPU' : `GPU ${index}`;
    const gpu = (level: LevelRecord) => level.monitors?.gpus[index];
    return [
      [`${name} busy`, (level: LevelRecord) => share(gpu(level)?.utilizationRatio)],
      [`${name} power (W)`, (level: LevelRecord) => decimals(gpu(level)?.powerWatts, 1)],
      [
        `${name} memory`,
        (level: LevelRecord) => {
          const used = gpu(level)?.memoryUsedBytes;
          return used === null || used === undefined ? null : formatBytes(used);
        },
      ],
    ] as const;
  }).flat();
}
