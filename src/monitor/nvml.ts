/** NVIDIA GPUs through the driver's own library (NVML). Where it is absent, there are no GPUs, and nothing is said. */
import { Buffer } from 'node:buffer';
import type { LibraryHandle } from 'koffi';
import { openNativeLibrary } from '../onnxruntime/native-library.js';

const LIBRARY = 'libnvidia-ml.so.1';
const SUCCESS = 0;
const TEXT_BYTES = 96;

export interface GpuReading {
  /** Share of the driver's own sampling time in which a kernel ran. */
  readonly utilizationRatio: number | null;
  readonly powerWatts: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
  /** Since the driver was loaded. */
  readonly energyJoules: number | null;
}

export interface Gpu {
  readonly id: string;
  readonly name: string;
  read(): GpuReading;
}

type Device = unknown;

/** The calls of NVML that are used; each returns 0 for success and writes into what it is given. */
export interface NvmlCalls {
  init(): number;
  count(out: Buffer): number;
  handle(index: number, out: [Device]): number;
  uuid(device: Device, out: Buffer, length: number): number;
  name(device: Device, out: Buffer, length: number): number;
  utilization(device: Device, out: Buffer): number;
  memory(device: Device, out: Buffer): number;
  power(device: Device, out: Buffer): number;
  energy(device: Device, out: Buffer): number;
}

function bindCalls(library: LibraryHandle): NvmlCalls {
  return {
    init: library.func('int nvmlInit_v2()'),
    count: library.func('int nvmlDeviceGetCount_v2(void *out)'),
    handle: library.func('int nvmlDeviceGetHandleByIndex_v2(unsigned int index, _Out_ void **device)'),
    uuid: library.func('int nvmlDeviceGetUUID(void *device, void *out, unsigned int length)'),
    name: library.func('int nvmlDeviceGetName(void *device, void *out, unsigned int length)'),
    utilization: library.func('int nvmlDeviceGetUtilizationRates(void *device, void *out)'),
    memory: library.func('int nvmlDeviceGetMemoryInfo(void *device, void *out)'),
    power: library.func('int nvmlDeviceGetPowerUsage(void *device, void *out)'),
    energy: library.func('int nvmlDeviceGetTotalEnergyConsumption(void *device, void *out)'),
  };
}

function loadCalls(): NvmlCalls | undefined {
  try {
    return bindCalls(openNativeLibrary(LIBRARY));
  } catch {
    return undefined;
  }
}

/** All GPUs of this host; none without a driver. `calls` is for tests. */
export function openGpus(calls: NvmlCalls | undefined = loadCalls()): readonly Gpu[] {
  if (calls === undefined || calls.init() !== SUCCESS) return [];
  const count = Buffer.alloc(4);
  if (calls.count(count) !== SUCCESS) return [];
  const gpus: Gpu[] = [];
  for (let index = 0; index < count.readUInt32LE(0); index++) {
    const out: [Device] = [null];
    if (calls.handle(index, out) === SUCCESS) gpus.push(openGpu(calls, out[0], index));
  }
  return gpus;
}

function openGpu(calls: NvmlCalls, device: Device, index: number): Gpu {
  const text = (read: NvmlCalls['uuid']): string | undefined => {
    const out = Buffer.alloc(TEXT_BYTES);
    if (read(device, out, TEXT_BYTES) !== SUCCESS) return undefined;
    return out.toString('utf8', 0, Math.max(0, out.indexOf(0)));
  };
  return {
    id: text(calls.uuid) ?? String(index),
    name: text(calls.name) ?? 'unknown GPU',
    read: () => readDevice(calls, device),
  };
}

/** What a GPU does not offer is null; older ones count no energy. */
function readDevice(calls: NvmlCalls, device: Device): GpuReading {
  const into = (read: (device: Device, out: Buffer) => number, size: number): Buffer | undefined => {
    const out = Buffer.alloc(size);
    return read(device, out) === SUCCESS ? out : undefined;
  };
  const utilization = into(calls.utilization, 8);
  const memory = into(calls.memory, 24);
  const power = into(calls.power, 4);
  const energy = into(calls.energy, 8);
  return {
    utilizationRatio: utilization === undefined ? null : utilization.readUInt32LE(0) / 100,
    powerWatts: power === undefined ? null : power.readUInt32LE(0) / 1000,
    memoryTotalBytes: memory === undefined ? null : Number(memory.readBigUInt64LE(0)),
    memoryUsedBytes: memory === undefined ? null : Number(memory.readBigUInt64LE(16)),
    energyJoules: energy === undefined ? null : Number(energy.readBigUInt64LE(0)) / 1000,
  };
}
