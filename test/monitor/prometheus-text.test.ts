import { describe, expect, it } from 'vitest';
import { summarizeMetrics } from '../../src/monitor/metrics-endpoint.js';
import { parsePrometheusText } from '../../src/monitor/prometheus-text.js';

const text = `# HELP nv_inference_count Number of inferences
# TYPE nv_inference_count counter
nv_inference_count{model="a",version="1"} 25
# TYPE nv_gpu_utilization gauge
nv_gpu_utilization{gpu_uuid="GPU-1"} 0.4 1700000000
odd{text="a \\"quoted\\" } brace, and \\\\ slash"} 1e3
broken line without a value {
nothing NaN
endless +Inf
`;

describe('the text of a metrics endpoint', () => {
  it('gives samples with their kind, labels and value, and leaves out what is none', () => {
    const samples = parsePrometheusText(text);
    expect(samples.map(({ id, kind, value }) => [id, kind, value])).toEqual([
      ['nv_inference_count{model="a",version="1"}', 'counter', 25],
      ['nv_gpu_utilization{gpu_uuid="GPU-1"}', 'gauge', 0.4],
      ['odd{text="a "quoted" } brace, and \\ slash"}', 'other', 1000],
    ]);
    expect(samples[0]!.labels).toEqual({ model: 'a', version: '1' });
  });

  it('sums up as mean and maximum of gauges and growth of counters', () => {
    const at = (count: number, share: number) =>
      parsePrometheusText(`# TYPE c counter\nc ${count}\n# TYPE g gauge\ng ${share}\nneither 4\n`);
    const snapshots = [at(10, 0.2), at(15, 0.6), at(40, 0.1)].map((samples, atNs) => ({ atNs, samples }));
    const summary = summarizeMetrics(snapshots);
    expect(summary).toEqual({ c: 30, g: expect.closeTo(0.3, 9), 'max g': 0.6 });
  });

  it('says nothing of a counter that went back, as after a restart', () => {
    const snapshots = [9, 2].map((count, atNs) => ({
      atNs,
      samples: parsePrometheusText(`# TYPE c counter\nc ${count}\n`),
    }));
    expect(summarizeMetrics(snapshots)).toEqual({});
  });
});
