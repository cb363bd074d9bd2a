/** The comparison of ways of sending: its answer in words, and a row a path, the fastest first. */
import {
  durationColumn,
  formatBytes,
  formatInterval,
  formatRate,
  latencyColumn,
  microseconds,
  NO_VALUE,
  numberColumn,
} from '../../common/format.js';
import { describeLoad } from '../../record/load-name.js';
import type { ClientComparison } from '../../record/run-record.js';
import { numbers, type SideTable, words } from './side-table.js';

/** Where a path's difference goes, a line each, the slowest last; then what could not be compared. */
function clientSentences({ paths, skipped }: ClientComparison): string[] {
  const explained = byRate(paths).filter(({ explanation }) => explanation !== '');
  return [
    ...explained.map(({ path, explanation }) => `${path}: ${explanation}`),
    ...skipped.map(({ path, reason }) => `${path} was not compared: ${reason}`),
  ];
}

const byRate = (paths: ClientComparison['paths']): ClientComparison['paths'] =>
  paths.toSorted((a, b) => b.requestsPerSec - a.requestsPerSec);

export function clientsTable(comparison: ClientComparison): SideTable {
  const paths = byRate(comparison.paths);
  const ratios = numberColumn(paths.map(({ throughputRatio }) => throughputRatio.value));
  const cpu = durationColumn(
    paths.map(({ clientCpuNsPerRequest }) => clientCpuNsPerRequest),
    microseconds,
  );
  const times = latencyColumn(paths.flatMap(({ latencyNs }) => [latencyNs?.mean, latencyNs?.p99]));
  const column = (title: string, read: (path: (typeof paths)[number]) => string, unit = '') =>
    numbers(title, paths.map(read), unit);
  const part = (title: string, name: 'sendNs' | 'networkAndFrontEndNs' | 'receiveNs') =>
    column(title, ({ latencyParts }) => times.format(latencyParts?.[name]), times.unit);
  const hasParts = paths.some(({ latencyParts }) => latencyParts !== null);
  return {
    id: 'clients',
    title: 'Ways of sending',
    note: `The same requests at ${describeLoad(comparison.load)}, ${comparison.roundCount} interleaved rounds; the ratio is to the fastest, paired round by round, with its 95 % interval.`,
    columns: [
      words(
        'Client',
        paths.map(({ path }) => path),
      ),
      column('Requests/s', ({ requestsPerSec }) => formatRate(requestsPerSec)),
      column('Ratio', ({ path, throughputRatio }) =>
        path === comparison.fastest ? '1' : formatInterval(throughputRatio, ratios),
      ),
      column('Avg', ({ latencyNs }) => times.format(latencyNs?.mean), times.unit),
      column('p99', ({ latencyNs }) => times.format(latencyNs?.p99), times.unit),
      ...(hasParts
        ? [part('Send', 'sendNs'), part('Network + front end', 'networkAndFrontEndNs'), part('Receive', 'receiveNs')]
        : []),
      column('Client CPU', ({ clientCpuNsPerRequest }) => cpu.format(clientCpuNsPerRequest), cpu.unit),
      column('Tensors', ({ requestBytes }) => (requestBytes === null ? NO_VALUE : formatBytes(requestBytes))),
    ],
    remarks: clientSentences(comparison),
    isDetail: false,
  };
}
