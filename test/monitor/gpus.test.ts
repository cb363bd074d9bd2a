import { describe, expect, it } from 'vitest';
import { energyPerInference, gpusInMetrics, summarizeGpus } from '../../src/monitor/gpu-summary.js';
import { type NvmlCalls, openGpus } from '../../src/monitor/nvml.js';
import { parsePrometheusText } from '../../src/monitor/prometheus-text.js';

/** One GPU that counts its energy, and a second that the driver will not open. */
const fakeCalls = (changes: Partial<NvmlCalls> = {}): NvmlCalls => ({
  init: () => 0,
  count(out) {
    out.writeUInt32LE(2);
    return 0;
  },
  handle(index, out) {
    out[0] = index;
    return index === 0 ? 0 : 15;
  },
  uuid(_, out) {
    out.write('GPU-7f\0');
    return 0;
  },
  name(_, out) {
    out.write('Imaginary 9000\0');
    return 0;
  },
  utilization(_, out) {
    out.writeUInt32LE(85);
    return 0;
  },
  memory(_, out) {
    out.writeBigUInt64LE(80n * 2n ** 30n, 0);
    out.writeBigUInt64LE(3n * 2n ** 30n, 16);
    return 0;
  },
  power(_, out) {
    out.writeUInt32LE(250_500);
    return 0;
  },
  energy(_, out) {
    out.writeBigUInt64LE(123_456n);
    return 0;
  },
  ...changes,
});

describe('GPUs by the driver', () => {
  it('are those that can be opened, in units without prefixes', () => {
    const gpus = openGpus(fakeCalls());
    expect(gpus.map(({ id, name }) => [id, name])).toEqual([['GPU-7f', 'Imaginary 9000']]);
    expect(gpus[0]!.read()).toEqual({
      utilizationRatio: 0.85,
      powerWatts: 250.5,
      memoryUsedBytes: 3 * 2 ** 30,
      memoryTotalBytes: 80 * 2 ** 30,
      energyJoules: 123.456,
    });
  });

  it('say null for what they do not offer', () => {
    const [gpu] = openGpus(fakeCalls({ energy: () => 3, power: () => 3 }));
    expect(gpu!.read()).toMatchObject({ utilizationRatio: 0.85, powerWatts: null, energyJoules: null });
  });

  it('are none without a driver, silently', () => {
    expect(openGpus(fakeCalls({ init: () => 9 }))).toEqual([]);
    expect(() => openGpus()).not.toThrow();
  });
});

describe('GPUs over a level', () => {
  const reading = (share: number, joules: number | null) => ({
    utilizationRatio: share,
    powerWatts: 100 * share,
    memoryUsedBytes: 1000 * share,
    memoryTotalBytes: 4000,
    energyJoules: joules,
  });

  it('have mean use, largest memory and the energy in between', () => {
    const looks = [reading(0.5, 10), reading(1, 70)].map((only, atNs) => ({ atNs, readings: [only] }));
    const gpus = summarizeGpus([{ id: 'a', name: 'A' }], looks);
    expect(gpus).toEqual([
      {
        id: 'a',
        name: 'A',
        utilizationRatio: 0.75,
        powerWatts: 75,
        memoryUsedBytes: 1000,
        memoryTotalBytes: 4000,
        energyJoules: 60,
      },
    ]);
    expect(energyPerInference(gpus, 240)).toBe(0.25);
    expect(energyPerInference([{ ...gpus[0]!, energyJoules: null }], 240)).toBeNull();
  });

  it('of a server elsewhere are taken from its metrics', () => {
    const at = (joules: number) =>
      parsePrometheusText(
        `# TYPE nv_gpu_utilization gauge\nnv_gpu_utilization{gpu_uuid="GPU-1"} 0.5\n# TYPE nv_energy_consumption counter\nnv_energy_consumption{gpu_uuid="GPU-1"} ${joules}\n`,
      );
    const gpus = gpusInMetrics([at(5), at(25)].map((samples, atNs) => ({ atNs, samples })));
    expect(gpus).toMatchObject([{ id: 'GPU-1', utilizationRatio: 0.5, energyJoules: 20, powerWatts: null }]);
  });
});
