/**
 * A run as perf_analyzer prints it, word for word, for scripts that read its output. Numbers have its formats: whole
 * microseconds, rates with six significant digits.
 */

import { appendAll } from '../../common/append-all.js';
import type { LevelRecord, RunRecord } from '../../record/run-record.js';
import { describePercent, headerLines, type PerfAnalyzerSettings } from './console-header.js';
import { gpuLines } from './gpu-lines.js';
import { type LevelFigures, levelFigures } from './level-figures.js';
import { formatStreamNumber, wholeMicros } from './stream-number.js';

/** The whole text, without a final line break. Levels stand in the order they were measured. */
export function renderPerfAnalyzerText(record: RunRecord, settings: PerfAnalyzerSettings): string {
  const { levels } = record;
  const reported = levels.filter(isReported);
  const lines = [
    ...headerLines(settings),
    '',
    ...levels.flatMap((level) => [
      ...levelHead(level, settings),
      ...(isReported(level) ? levelBody(level, settings) : []),
    ]),
  ];
  if (reported.length > 0) appendAll(lines, summaryLines(reported, settings));
  return lines.join('\n');
}

/** What goes to stderr for levels that were never stable; empty where all were. */
export function describeUnstableLevels({ levels }: RunRecord): string[] {
  const unstable = levels.filter((level) => !isReported(level));
  return unstable.map(({ load, windowed }) => {
    const amount =
      load.kind === 'closed'
        ? `concurrency ${load.concurrency}`
        : `request rate ${formatStreamNumber(load.requestRatePerSec)}`;
    const count = windowed?.windows.length ?? 0;
    return `Failed to obtain stable measurement within ${count} measurement windows for ${amount}. Please try to increase the --measurement-interval.`;
  });
}

const isReported = (level: LevelRecord): boolean => level.windowed?.isStable !== false && level.latencyNs !== null;

function levelHead({ load, windowed }: LevelRecord, settings: PerfAnalyzerSettings): string[] {
  const head =
    load.kind === 'closed'
      ? `Request concurrency: ${load.concurrency}`
      : `Request Rate: ${formatStreamNumber(load.requestRatePerSec)} inference requests per second`;
  if (!settings.isVerbose) return [head];
  const passes = (windowed?.windows ?? []).map((window, index) => {
    const rate = formatStreamNumber(window.requestsPerSec * load.batchSize);
    const latency = wholeMicros(window.latencyNs ?? 0);
    const judged =
      settings.percentile === undefined
        ? `Avg latency: ${latency} usec (std ${wholeMicros(window.standardDeviationNs)} usec). `
        : `p${settings.percentile} latency: ${latency} usec`;
    return `  Pass [${index + 1}] throughput: ${rate} infer/sec. ${judged}`;
  });
  return [head, ...passes];
}

function levelBody(level: LevelRecord, settings: PerfAnalyzerSettings): string[] {
  const figures = levelFigures(level);
  if (figures === undefined) return [''];
  const server = level.server === null ? [] : serverLines(level.server);
  // The real one ends the server's block with an empty line and the metrics' block without.
  return [
    ...clientLines(level, figures, settings),
    ...server,
    '',
    ...(settings.collectsMetrics ? gpuLines(level) : []),
  ];
}

function clientLines(level: LevelRecord, figures: LevelFigures, settings: PerfAnalyzerSettings): string[] {
  const { latencyNs, windowed, generator } = level;
  const average =
    settings.percentile === undefined && latencyNs !== null
      ? [
          `    Avg latency: ${wholeMicros(latencyNs.mean)} usec (standard deviation ${wholeMicros(windowed?.standardDeviationNs ?? 0)} usec)`,
        ]
      : [];
  const overhead =
    settings.isVerbose && generator !== null
      ? [`    Avg client overhead: ${describePercent(generator.busyRatio * 100)}%`]
      : [];
  return [
    '  Client: ',
    `    Request count: ${level.requestCount}`,
    ...delayedLines(level),
    `    Throughput: ${formatStreamNumber(level.throughputPerSec.value)} infer/sec`,
    ...overhead,
    ...average,
    ...figures.percentiles.map(([percentile, valueNs]) => `    p${percentile} latency: ${wholeMicros(valueNs)} usec`),
    transportLine(figures, settings),
  ];
}

/** A share of delayed requests beyond which perf_analyzer warns. */
const NOTABLE_DELAYED = 0.01;

function delayedLines({ load, delayedCount, requestCount, requestsPerSec }: LevelRecord): string[] {
  const share = requestCount === 0 ? 0 : Math.min(1, delayedCount / requestCount);
  if (load.kind !== 'open' || share <= NOTABLE_DELAYED) return [];
  return [
    `    Avg send request rate: ${describePercent(requestsPerSec)} infer/sec`,
    `    [WARNING] Perf Analyzer was not able to keep up with the desired request rate. ${describePercent(share * 100)}% of the requests were delayed. `,
  ];
}

function transportLine(figures: LevelFigures, { protocol, isVerbose }: PerfAnalyzerSettings): string {
  const [send, wait, receive] = [figures.sendNs, figures.responseWaitNs, figures.receiveNs].map(wholeMicros) as [
    number,
    number,
    number,
  ];
  const total = send + wait + receive;
  const isHttp = protocol === 'http';
  const name = isHttp ? 'HTTP' : 'gRPC';
  if (isVerbose) {
    const [sending, receiving] = isHttp ? ['send', 'receive'] : ['marshal', 'unmarshal'];
    return `    Avg ${name} time: ${total} usec (${sending} ${send} usec + response wait ${wait} usec + ${receiving} ${receive} usec)`;
  }
  const both = isHttp ? 'send/recv' : '(un)marshal request/response';
  return `    Avg ${name} time: ${total} usec (${both} ${send + receive} usec + response wait ${wait} usec)`;
}

function serverLines(server: NonNullable<LevelRecord['server']>): string[] {
  const partsNs = [server.queueNs, server.computeInputNs, server.computeInferNs, server.computeOutputNs];
  const insideNs = partsNs.reduce((sum, part) => sum + part, 0);
  const requestNs = server.requestNs ?? insideNs;
  const overhead = wholeMicros(Math.max(0, requestNs - insideNs));
  const [queue, input, infer, output] = partsNs.map(wholeMicros);
  return [
    '  Server: ',
    `    Inference count: ${server.inferenceCount}`,
    `    Execution count: ${server.executionCount}`,
    `    Successful request count: ${server.successCount ?? server.inferenceCount}`,
    `    Avg request latency: ${wholeMicros(requestNs)} usec (overhead ${overhead} usec + queue ${queue} usec + compute input ${input} usec + compute infer ${infer} usec + compute output ${output} usec)`,
  ];
}

function summaryLines(levels: readonly LevelRecord[], { percentile }: PerfAnalyzerSettings): string[] {
  const rows = levels.map(({ load, throughputPerSec, latencyNs, windowed }) => {
    const amount =
      load.kind === 'closed'
        ? `Concurrency: ${load.concurrency}`
        : `Request Rate: ${formatStreamNumber(load.requestRatePerSec)}`;
    const latency = wholeMicros(windowed?.percentile?.latencyNs ?? latencyNs?.mean ?? 0);
    return `${amount}, throughput: ${formatStreamNumber(throughputPerSec.value)} infer/sec, latency ${latency} usec`;
  });
  const judged = percentile === undefined ? 'Average' : `p${percentile}`;
  return [`Inferences/Second vs. Client ${judged} Batch Latency`, ...rows];
}
