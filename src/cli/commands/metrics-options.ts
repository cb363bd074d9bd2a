/** Options that say what of the server is watched beside the requests, with perf_analyzer's flags. */
import { optional, toggle, withDefault } from '../../common/option-row.js';
import { millis } from '../../common/units.js';
import { parseInteger } from '../../common/value-parsers.js';

const group = 'Monitoring';

export const metricsRows = {
  collectMetrics: toggle({
    flag: 'collect-metrics',
    group,
    help: 'also read the server’s metrics endpoint while measuring; process and GPUs of a local server are watched anyway',
  }),
  metricsUrl: optional({
    flag: 'metrics-url',
    placeholder: 'URL',
    group,
    help: 'with --collect-metrics: the endpoint; by default the bundled engine’s, or http://HOST:8002/metrics',
    parse: parseMetricsUrl,
  }),
  metricsInterval: withDefault({
    flag: 'metrics-interval',
    placeholder: 'MS',
    group,
    help: 'with --collect-metrics: time between two reads, in milliseconds',
    defaultText: '1000',
    parse: (text) => millis(parseInteger(1, 3_600_000)(text)),
  }),
} as const;

/** As perf_analyzer, `localhost:8002/metrics` needs no scheme. */
function parseMetricsUrl(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new Error(`'${text}' is not a URL such as http://localhost:8002/metrics`);
  return url;
}
