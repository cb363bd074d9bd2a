/** `perf-ts calibrate`: what the load generator itself can do on this host, for verdicts to be held against. */
import { calibrateClient, type HeldUp } from '../../calibrate/calibrate-client.js';
import { type CalibrationEntry, saveDrift, saveEntry } from '../../calibrate/calibration.js';
import { measureDrift } from '../../calibrate/measure-drift.js';
import { modelPayload } from '../../calibrate/model-payload.js';
import { messageOf, PerfTsError } from '../../common/errors.js';
import { formatBytes, formatDuration, formatRate } from '../../common/format.js';
import { type OptionValues, optional, repeated, toggle, withDefault } from '../../common/option-row.js';
import { type Nanos, seconds } from '../../common/units.js';
import { parseChoice, parseDuration, parseEndpoint, parseInteger, parseText } from '../../common/value-parsers.js';
import { describeHost } from '../../measure/limits/host-fingerprint.js';
import type { HostDrift } from '../../measure/statistics/repeat-interval.js';
import { bytesModel, type NullServerConfig } from '../../null-server/null-behavior.js';
import { openTarget } from '../../target/choose-target.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { shapeRow } from './measure-options.js';

const MAX_BYTES = 2 ** 30;
const LEAST_DRIFT_NS = 10e9;
const MOST_DRIFT_NS = 3600e9;

function parseDriftTime(text: string): Nanos {
  const duration = parseDuration(text);
  const isRight = duration === 0 || (duration >= LEAST_DRIFT_NS && duration <= MOST_DRIFT_NS);
  if (!isRight) throw new Error(`must be from 10s to 1h, or 0s, not '${text}'`);
  return duration;
}

const whatToSend = 'What to send';

const rows = {
  model: optional({
    flag: 'model',
    aliases: ['m'],
    placeholder: 'MODEL',
    group: whatToSend,
    help: 'take the sizes of this model’s requests and answers',
    conflicts: ['request-bytes', 'response-bytes'],
    parse: parseText,
  }),
  url: optional({
    flag: 'url',
    aliases: ['u'],
    placeholder: 'HOST:PORT',
    group: whatToSend,
    help: 'with -m: the server that has the model',
    parse: parseEndpoint,
  }),
  modelRepository: optional({
    flag: 'model-repository',
    placeholder: 'DIR',
    group: whatToSend,
    help: 'with -m: the folder that has the model',
    conflicts: ['url'],
    parse: parseText,
  }),
  shapes: shapeRow,
  batchSize: withDefault({
    flag: 'batch-size',
    aliases: ['b'],
    placeholder: 'N',
    group: whatToSend,
    help: 'with -m: rows in each request',
    defaultText: '1',
    parse: parseInteger(1, 65_536),
  }),
  requestBytes: withDefault({
    flag: 'request-bytes',
    placeholder: 'N',
    group: whatToSend,
    help: 'bytes of tensors in a request',
    defaultText: '64',
    parse: parseInteger(1, MAX_BYTES),
  }),
  responseBytes: withDefault({
    flag: 'response-bytes',
    placeholder: 'N',
    group: whatToSend,
    help: 'bytes of tensors in an answer',
    defaultText: '64',
    parse: parseInteger(1, MAX_BYTES),
  }),
  clients: repeated({
    flag: 'client',
    placeholder: 'grpc-wire|grpc-js|http',
    group: 'Load',
    help: 'which client; repeatable, grpc-wire and http when left out',
    parse: parseChoice('grpc-wire', 'grpc-js', 'http'),
  }),
  workers: optional({
    flag: 'workers',
    placeholder: 'N',
    group: 'Load',
    help: 'load workers; as many as a run has when left out',
    parse: parseInteger(1, 256),
  }),
  driftTime: withDefault({
    flag: 'drift-time',
    placeholder: 'DURATION',
    group: 'Load',
    help: 'how long to watch this host’s speed drift, at least 10s; 0s leaves it out',
    defaultText: '60s',
    parse: parseDriftTime,
  }),
  json: toggle({ flag: 'json', group: 'Output', help: 'print the result as JSON and nothing else on stdout' }),
} as const;

type CalibrateValues = OptionValues<typeof rows>;

export const calibrateCommand = defineCommand({
  usage: 'perf-ts calibrate [-m MODEL] [options]',
  examples: [
    ['perf-ts calibrate', 'small requests over gRPC and HTTP'],
    ['perf-ts calibrate -m resnet50 -u localhost:8001', 'requests as this model gets them'],
  ],
  rows,
  run: calibrate,
});

async function calibrate(values: CalibrateValues, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const model = await chooseModel(values, context);
  const host = await describeHost();
  const entries: CalibrationEntry[] = [];
  const heldUp: HeldUp[] = [];
  let path: string | undefined;
  for (const client of values.clients.length === 0 ? (['grpc-wire', 'http'] as const) : values.clients) {
    const onProbe = (sentence: string): void => terminal.progress(`${client}  ${sentence}`);
    const { workers: workerCount, batchSize } = values;
    const outcome = await calibrateClient({ client, workerCount, batchSize, model, signal, onProbe });
    terminal.clearProgress();
    if (outcome.state === 'held-up') {
      heldUp.push(outcome);
      continue;
    }
    if (outcome.heldUp !== undefined) heldUp.push(outcome.heldUp);
    terminal.milestone(`${client}: up to ${formatRate(outcome.entry.maxRatePerSec)} requests/s`);
    const saved = await saveEntry(host, outcome.entry).catch(refuseCache);
    path = saved.path;
    entries.push(saved.kept);
  }
  let drift: HostDrift | undefined;
  if (values.driftTime > 0) {
    terminal.progress(`watching how the speed of this host drifts, for ${formatDuration(values.driftTime)}`);
    const session = await measureDrift(values.driftTime, signal);
    terminal.clearProgress();
    ({ path, drift } = await saveDrift(host, session).catch(refuseCache));
  }
  for (const one of heldUp) terminal.say(describeHeldUp(one));
  if (values.json) {
    terminal.printJson({ schema: 'perf-ts/calibration@1', path: path ?? null, entries, heldUp, drift: drift ?? null });
  } else if (path !== undefined) terminal.print(renderEntries(entries, drift, path));
  return heldUp.some(({ passedPerSec }) => passedPerSec === undefined) ? exitCodes.noValidLevel : exitCodes.ok;
}

function refuseCache(cause: unknown): never {
  throw new PerfTsError('OUTPUT_UNWRITABLE', { where: 'the cache folder', what: messageOf(cause) }, cause);
}

function describeHeldUp({ client, passedPerSec, failedPerSec, sendLagP99Ns, busyRatio }: HeldUp): string {
  const passed = passedPerSec === undefined ? '' : `${formatRate(passedPerSec)} requests/s were sent on time, and `;
  const kept =
    passedPerSec === undefined
      ? 'Nothing was kept; end what else keeps the CPUs busy, and calibrate again.'
      : 'What was reached is kept as a lower bound; calibrate again when nothing else keeps the CPUs busy.';
  return (
    `${client}: ${passed}at ${formatRate(failedPerSec)}/s the best of three tries had a send lag p99 of ` +
    `${formatDuration(sendLagP99Ns)} while the load workers were busy only ${Math.round(busyRatio * 100)} %: the host, not ` +
    `the generator, was the limit. ${kept}`
  );
}

async function chooseModel(
  values: CalibrateValues,
  context: CommandContext,
): Promise<Omit<NullServerConfig, 'behavior'>> {
  const { model, url, modelRepository, batchSize } = values;
  if (model === undefined) {
    const given = { url, 'model-repository': modelRepository };
    const alone = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
    if (alone !== undefined) {
      throw new PerfTsError('BAD_OPTION', { where: `--${alone}`, what: 'names no model', hint: 'add -m MODEL' });
    }
    return bytesModel(values.requestBytes, values.responseBytes);
  }
  const target = await openTarget(
    { server: 'auto', endpoint: url, protocol: undefined, model, modelVersion: '', modelRepository },
    (sentence) => context.terminal.say(sentence),
    context.signal,
  );
  try {
    return await modelPayload(
      target,
      { model, modelVersion: '' },
      {
        batchSizes: [batchSize],
        shapes: Object.fromEntries(values.shapes.map(({ input, dims }) => [input, dims])),
        sequence: { kind: 'stepped', values: [1] },
        stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 1 },
      },
    );
  } finally {
    await target.close();
  }
}

function renderEntries(entries: readonly CalibrationEntry[], drift: HostDrift | undefined, path: string): string {
  const lines = entries.flatMap((entry) => [
    `${entry.client}, ${entry.workerCount} ${entry.workerCount === 1 ? 'worker' : 'workers'}, requests of ${formatBytes(entry.requestBytes)}, answers of ${formatBytes(entry.responseBytes)}`,
    `  highest rate  ${entry.isLowerBound ? 'at least ' : ''}${formatRate(entry.maxRatePerSec)} requests/s (send lag p99 below 1 ms, busy below 80 %)`,
    ...(['tenth', 'half'] as const).map((share) => {
      const { requestRatePerSec, p50Ns, p99Ns } = entry.floors[share];
      return `  floor at ${formatRate(requestRatePerSec)}/s  p50 ${formatDuration(p50Ns)}, p99 ${formatDuration(p99Ns)}`;
    }),
  ]);
  const drifting =
    drift === undefined
      ? []
      : [
          `this host's speed drifts by ${(drift.ratio * 100).toPrecision(2)}% over ${formatDuration(drift.correlationNs)}, which widens what a run claims for a repeat`,
        ];
  return [...lines, ...drifting, '', `Kept for a day (the drift for a month) in ${path}`].join('\n');
}
