/** --metrics-config NAME=VALUE: those of Triton's metric settings that mean something here. */
import { closestWord } from '../../src/common/closest-word.js';

export interface MetricsSetting {
  readonly name: 'counter_latencies';
  readonly isOn: boolean;
}

/** Settings of Triton that ask for what this engine does not measure. */
const without: Readonly<Record<string, string>> = {
  summary_latencies: 'this engine keeps no quantiles of its own; perf-ts measures them at the client',
  summary_quantiles: 'this engine keeps no quantiles of its own; perf-ts measures them at the client',
  histogram_latencies: 'its histogram is about decoupled models, which this engine does not serve',
};

const known = ['counter_latencies', ...Object.keys(without)];

/** Throws Error that says what would have been right. */
export function parseMetricsSetting(text: string): MetricsSetting {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`must be NAME=VALUE, such as counter_latencies=false, not '${text}'`);
  if (Object.hasOwn(without, name)) throw new Error(`has '${name}', which is not offered: ${without[name]}`);
  if (name !== 'counter_latencies') {
    const near = closestWord(name, known);
    throw new Error(`has no setting '${name}'${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  if (value !== 'true' && value !== 'false') throw new Error(`${name} must be true or false, not '${value}'`);
  return { name, isOn: value === 'true' };
}

/** Whether the cumulative durations are told; the last setting counts. */
export const hasCounterLatencies = (settings: readonly MetricsSetting[]): boolean => settings.at(-1)?.isOn ?? true;
