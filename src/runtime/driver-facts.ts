/** Asks the NVIDIA driver's libraries what they are. It calls native code, so it belongs into a process that may crash. */
import type { LibraryHandle } from 'koffi';
import { describeCudaError } from '../onnxruntime/cuda-error.js';
import { openNativeLibrary } from '../onnxruntime/native-library.js';
import type { DriverFacts } from './probe-messages.js';

const TEXT_BYTES = 96;

export function readDriverFacts(): DriverFacts {
  const version = askNvml();
  const cuda = tryOpen('libcuda.so.1');
  if (cuda === undefined) {
    const problem = 'no NVIDIA driver: the system has no libcuda.so.1';
    return { version, cudaVersion: undefined, devices: [], problem };
  }
  const started = (cuda.func('int cuInit(unsigned int flags)') as (flags: number) => number)(0);
  const cudaVersion = readNumber(cuda, 'cuDriverGetVersion');
  const shown =
    cudaVersion === undefined
      ? undefined
      : `${Math.trunc(cudaVersion / 1000)}.${Math.trunc((cudaVersion % 1000) / 10)}`;
  if (started !== 0) {
    return {
      version,
      cudaVersion: shown,
      devices: [],
      problem: `the NVIDIA driver does not start: ${describeCudaError(started)}`,
    };
  }
  const devices = readDevices(cuda);
  const problem = devices.length === 0 ? 'the driver is there, but it has no device' : undefined;
  return { version, cudaVersion: shown, devices, problem };
}

function tryOpen(name: string): LibraryHandle | undefined {
  try {
    return openNativeLibrary(name);
  } catch {
    return undefined;
  }
}

function readNumber(library: LibraryHandle, name: string): number | undefined {
  const place = new Int32Array(1);
  const status = (library.func(`int ${name}(void *out)`) as (out: Int32Array) => number)(place);
  return status === 0 ? place[0] : undefined;
}

function readDevices(cuda: LibraryHandle): string[] {
  const getName = cuda.func('int cuDeviceGetName(void *text, int length, int device)') as (
    text: Buffer,
    length: number,
    device: number,
  ) => number;
  return Array.from({ length: readNumber(cuda, 'cuDeviceGetCount') ?? 0 }, (_, device) => {
    const text = Buffer.alloc(TEXT_BYTES);
    return getName(text, TEXT_BYTES, device) === 0 ? upToZero(text) : `device ${device}`;
  });
}

function askNvml(): string | undefined {
  const nvml = tryOpen('libnvidia-ml.so.1');
  if (nvml === undefined) return undefined;
  if ((nvml.func('int nvmlInit_v2()') as () => number)() !== 0) return undefined;
  const text = Buffer.alloc(TEXT_BYTES);
  const ask = nvml.func('int nvmlSystemGetDriverVersion(void *text, unsigned int length)') as (
    text: Buffer,
    length: number,
  ) => number;
  return ask(text, TEXT_BYTES) === 0 ? upToZero(text) : undefined;
}

const upToZero = (text: Buffer): string => text.toString('utf8', 0, Math.max(text.indexOf(0), 0));
