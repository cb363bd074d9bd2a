import { afterEach, describe, expect, it } from 'vitest';
import { CpuMeter } from '../../../engine/metrics/cpu-metrics.js';
import { hasCounterLatencies, parseMetricsSetting } from '../../../engine/metrics/metrics-config.js';
import { MetricsFrontEnd, type MetricsOptions } from '../../../engine/metrics/metrics-front-end.js';
import { renderMetrics } from '../../../engine/metrics/prometheus-text.js';
import { FakeModel } from '../../support/fake-model.js';
import { parseMetrics } from '../../support/parse-metrics.js';

const options: MetricsOptions = {
  address: '127.0.0.1',
  port: 0,
  intervalMs: 1000,
  hasCpuMetrics: true,
  hasLatencies: true,
};

let open: MetricsFrontEnd[] = [];
afterEach(async () => {
  await Promise.all(open.map((frontEnd) => frontEnd.close()));
  open = [];
});

async function serve(parts: Partial<MetricsOptions> = {}): Promise<string> {
  const models = [new FakeModel(), new FakeModel({ name: 'odd"name\\', version: '2' })];
  const frontEnd = new MetricsFrontEnd(
    { ...options, ...parts },
    { models: () => models, pinnedMemory: () => ({ totalBytes: 100, usedBytes: 7 }) },
  );
  open.push(frontEnd);
  return `http://127.0.0.1:${await frontEnd.start()}`;
}

const scrape = async (url: string) => parseMetrics(await (await fetch(`${url}/metrics`)).text());

describe('the metrics endpoint', () => {
  it("tells of each model under Triton's names and labels", async () => {
    const families = await scrape(await serve());
    const modelFamilies = [...families].filter(([, { samples }]) => 'model' in samples[0]!.labels);
    expect(modelFamilies.map(([name, { type }]) => `${name} ${type}`)).toEqual([
      'nv_inference_request_success counter',
      'nv_inference_request_failure counter',
      'nv_inference_count counter',
      'nv_inference_exec_count counter',
      'nv_inference_request_duration_us counter',
      'nv_inference_queue_duration_us counter',
      'nv_inference_compute_input_duration_us counter',
      'nv_inference_compute_infer_duration_us counter',
      'nv_inference_compute_output_duration_us counter',
      'nv_inference_pending_request_count gauge',
      'nv_model_load_duration_secs gauge',
    ]);
    for (const [name, { samples }] of modelFamilies) {
      const perModel = name === 'nv_inference_request_failure' ? 4 : 1;
      expect(samples).toHaveLength(2 * perModel);
      expect(samples.at(-1)!.labels).toMatchObject({ model: 'odd"name\\', version: '2' });
    }
    const reasons = families.get('nv_inference_request_failure')!.samples.map(({ labels }) => labels.reason);
    expect(new Set(reasons)).toEqual(new Set(['REJECTED', 'CANCELED', 'BACKEND', 'OTHER']));
  });

  it('tells of the pinned memory pool and, unless told not to, of the CPU', async () => {
    const families = await scrape(await serve());
    expect(families.get('nv_pinned_memory_pool_total_bytes')?.samples).toEqual([{ labels: {}, value: 100 }]);
    expect(families.get('nv_pinned_memory_pool_used_bytes')?.samples).toEqual([{ labels: {}, value: 7 }]);
    const without = await scrape(await serve({ hasCpuMetrics: false }));
    expect([...without.keys()].filter((name) => name.startsWith('nv_cpu'))).toEqual([]);
  });

  it('leaves the cumulative durations out when told to', async () => {
    const families = await scrape(await serve({ hasLatencies: false }));
    expect([...families.keys()].filter((name) => name.endsWith('_duration_us'))).toEqual([]);
  });

  it('answers GET /metrics and nothing else, as plain text', async () => {
    const url = await serve();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/`)).status).toBe(404);
  });

  it('names its flag when its port is in use', async () => {
    const port = Number(new URL(await serve()).port);
    await expect(serve({ port })).rejects.toMatchObject({ problems: [{ where: '--metrics-port' }] });
  });
});

describe('the CPU gauges', () => {
  it('give the busy share between two samples, and the memory that is not available', () => {
    const files = { stat: '', meminfo: 'MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable:  400 kB\n' };
    files.stat = 'cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3 4\n';
    const meter = new CpuMeter((name) => files[name]);
    expect(renderMetrics(meter.metrics())).not.toContain('nv_cpu_utilization');
    files.stat = 'cpu  125 0 100 775 100 0 0 0 50 0\n';
    meter.sample();
    const families = parseMetrics(renderMetrics(meter.metrics()));
    expect(families.get('nv_cpu_utilization')?.samples).toEqual([{ labels: {}, value: 0.25 }]);
    expect(families.get('nv_cpu_memory_total_bytes')?.samples[0]?.value).toBe(1_024_000);
    expect(families.get('nv_cpu_memory_used_bytes')?.samples[0]?.value).toBe(614_400);
  });

  it('are absent where there is no /proc', () => {
    const meter = new CpuMeter(() => undefined);
    meter.sample();
    expect(renderMetrics(meter.metrics())).toBe('');
  });
});

describe('--metrics-config', () => {
  it('turns the cumulative durations off and on; the last one counts', () => {
    const settings = ['counter_latencies=false', 'counter_latencies=true'].map(parseMetricsSetting);
    expect([hasCounterLatencies([]), hasCounterLatencies(settings.slice(0, 1)), hasCounterLatencies(settings)]).toEqual(
      [true, false, true],
    );
  });

  it.each([
    ['counter_latencies', 'must be NAME=VALUE'],
    ['counter_latencies=maybe', 'must be true or false'],
    ['counter_latency=true', 'did you mean counter_latencies?'],
    ['summary_latencies=true', 'is not offered'],
  ])('refuses %s', (text, message) => {
    expect(() => parseMetricsSetting(text)).toThrow(message);
  });
});
