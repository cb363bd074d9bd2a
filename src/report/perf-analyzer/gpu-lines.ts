/** The block of GPU figures that perf_analyzer prints with --collect-metrics. */
import type { LevelRecord } from '../../record/run-record.js';
import { formatStreamNumber } from './stream-number.js';

/** With more GPUs than this perf_analyzer sends its reader to the CSV. */
const MOST_GPUS = 16;

export function gpuLines({ monitors }: LevelRecord): string[] {
  const gpus = monitors?.gpus ?? [];
  const head = '  Server Prometheus Metrics: ';
  if (gpus.length > MOST_GPUS)
    return [head, '    Too many GPUs on system to print out individual metrics; see the CSV.'];
  const block = (title: string, read: (gpu: (typeof gpus)[number]) => string | null): string[] => [
    `    ${title}:`,
    ...gpus.flatMap((gpu) => {
      const text = read(gpu);
      return text === null ? [] : [`      ${gpu.id} : ${text}`];
    }),
  ];
  const shown = (value: number | null, unit: string): string | null =>
    value === null ? null : `${formatStreamNumber(value)}${unit}`;
  return [
    head,
    ...block('Avg GPU Utilization', ({ utilizationRatio: ratio }) => (ratio === null ? null : shown(ratio * 100, '%'))),
    ...block('Avg GPU Power Usage', ({ powerWatts }) => shown(powerWatts, ' watts')),
    // Sizes are whole bytes, never in the stream's short form.
    ...block('Max GPU Memory Usage', ({ memoryUsedBytes }) =>
      memoryUsedBytes === null ? null : `${memoryUsedBytes} bytes`,
    ),
    ...block('Total GPU Memory', ({ memoryTotalBytes }) =>
      memoryTotalBytes === null ? null : `${memoryTotalBytes} bytes`,
    ),
  ];
}
