/** The CUDA devices of this machine, as NVIDIA's driver tells. The CUDA toolkit is not needed for it. */
import type { LibraryHandle } from 'koffi';
import { messageOf } from '../common/errors.js';
import { describeCudaError } from './cuda-error.js';
import { openNativeLibrary } from './native-library.js';

export interface CudaDevices {
  /** Device numbers, as `gpus` of an instance group and ONNX Runtime count them. */
  readonly devices: readonly { readonly gpu: number; readonly name: string }[];
  /** Why there are none. */
  readonly reason?: string;
}

const driverNames: Readonly<Record<string, string>> = { linux: 'libcuda.so.1', win32: 'nvcuda.dll' };
const NAME_BYTES = 256;

let known: CudaDevices | undefined;

/** Asked once a process; CUDA_VISIBLE_DEVICES is honoured by the driver. */
export function findCudaDevices(): CudaDevices {
  known ??= readCudaDevices();
  return known;
}

/** The same, asked anew; `open` stands in for the system's loader in tests. */
export function readCudaDevices(open: (name: string) => Pick<LibraryHandle, 'func'> = openNativeLibrary): CudaDevices {
  const name = driverNames[process.platform];
  if (name === undefined) return { devices: [], reason: `there is no CUDA on ${process.platform}` };
  let driver: Pick<LibraryHandle, 'func'>;
  try {
    driver = open(name);
  } catch (thrown) {
    return { devices: [], reason: `NVIDIA's driver is not installed: no ${name} (${messageOf(thrown)})` };
  }
  // CUDA driver API: each returns a CUresult, 0 for success.
  const initialize = driver.func('cuInit', 'int', ['uint']) as (flags: number) => number;
  const getCount = driver.func('cuDeviceGetCount', 'int', ['void *']) as (count: Int32Array) => number;
  const getName = driver.func('cuDeviceGetName', 'int', ['void *', 'int', 'int']) as (
    text: Uint8Array,
    byteLength: number,
    gpu: number,
  ) => number;
  const count = new Int32Array(1);
  const result = initialize(0) || getCount(count);
  if (result !== 0)
    return { devices: [], reason: `NVIDIA's driver has no usable device: ${describeCudaError(result)}` };
  const devices = Array.from({ length: count[0]! }, (_, gpu) => {
    const text = new Uint8Array(NAME_BYTES);
    const isNamed = getName(text, NAME_BYTES, gpu) === 0;
    const end = text.indexOf(0);
    return { gpu, name: isNamed ? Buffer.from(text.subarray(0, end)).toString() : `GPU ${gpu}` };
  });
  return devices.length === 0 ? { devices, reason: "NVIDIA's driver finds no device" } : { devices };
}
