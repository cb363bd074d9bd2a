import { describe, expect, it } from 'vitest';
import { readCudaDevices } from '../../src/onnxruntime/cuda-devices.js';

/** A driver with `count` devices, or one that fails with `result`. */
const driver =
  (count: number, result = 0) =>
  () =>
    ({
      func: (name: string) => (first: Int32Array | Uint8Array) => {
        if (name === 'cuInit') return result;
        if (name === 'cuDeviceGetCount') first[0] = count;
        else Buffer.from('GPU of a test\0').copy(first as Uint8Array);
        return 0;
      },
    }) as never;

// There is no CUDA driver on other systems.
describe.skipIf(!['linux', 'win32'].includes(process.platform))('CUDA devices', () => {
  it('are numbered and named by the driver', () => {
    expect(readCudaDevices(driver(2)).devices).toEqual([
      { gpu: 0, name: 'GPU of a test' },
      { gpu: 1, name: 'GPU of a test' },
    ]);
  });

  it('are none, with the reason, without a driver, with a driver that fails, and without a device', () => {
    const missing = readCudaDevices(() => {
      throw new Error('no such file');
    });
    expect(missing).toEqual({
      devices: [],
      reason: expect.stringMatching(
        /^NVIDIA's driver is not installed: no (libcuda\.so\.1|nvcuda\.dll) \(no such file\)$/,
      ),
    });
    expect(readCudaDevices(driver(1, 35)).reason).toContain('CUDA error 35');
    expect(readCudaDevices(driver(0)).reason).toContain('finds no device');
  });
});
