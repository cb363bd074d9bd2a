/** Options that say what a measuring run writes beside its record, and whether it behaves as perf_analyzer. */
import { optional, toggle, withDefault } from '../../common/option-row.js';
import { parseChoice, parseText } from '../../common/value-parsers.js';

const group = 'Output';

export const outputRows = {
  csv: optional({
    flag: 'csv',
    aliases: ['f'],
    placeholder: 'FILE',
    group,
    help: 'also write the levels as CSV with perf_analyzer’s columns',
    writes: 'file',
    parse: parseText,
  }),
  verboseCsv: toggle({
    flag: 'verbose-csv',
    group,
    help: 'with -f: the mean latency and its halves too, and GPU columns with --collect-metrics',
  }),
  profileExportFile: optional({
    flag: 'profile-export-file',
    placeholder: 'FILE',
    group,
    help: 'also write every measured request as perf_analyzer’s profile export; the file must not exist',
    writes: 'new-file',
    parse: parseText,
  }),
  profileExportTensors: withDefault({
    flag: 'profile-export-tensors',
    placeholder: 'auto|all|none',
    group,
    help: 'with --profile-export-file: what went in and out of each request; auto leaves out more than 4 KiB of text a request',
    defaultText: 'auto',
    parse: parseChoice('auto', 'all', 'none'),
  }),
  compat: optional({
    flag: 'compat',
    placeholder: 'perf_analyzer',
    group: 'Compatibility',
    help: 'behave as perf_analyzer: a range without a step has step 1, HTTP unless -i, levels end when three windows agree (-p, -s, -r), and its text is printed',
    conflicts: ['peak', 'profile', 'duration', 'min-time', 'max-time', 'confidence-target', 'json'],
    parse: parseChoice('perf_analyzer'),
  }),
  verbose: toggle({
    flag: 'verbose',
    aliases: ['v'],
    group: 'Compatibility',
    help: 'with --compat perf_analyzer: print every window of a level, and the client’s share of time',
  }),
  compareClients: toggle({
    flag: 'compare-clients',
    group: 'Load',
    help: 'afterwards send the same load through every client in interleaved rounds, and say where the difference goes',
    conflicts: ['request-rate-range', 'request-intervals', 'profile', 'peak', 'request-count'],
  }),
} as const;
