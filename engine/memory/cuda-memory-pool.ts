/** --cuda-memory-pool-byte-size=GPU:BYTES: read and checked like any option, and refused where there is no such device. */
import type { Problem } from '../../src/common/errors.js';
import { parseInteger } from '../../src/common/value-parsers.js';

export interface CudaPoolSize {
  readonly gpu: number;
  readonly byteSize: number;
}

/** Throws Error that says what would have been right. */
export function parseCudaPool(text: string): CudaPoolSize {
  const [, gpu, byteSize] = /^(\d{1,4}):(\d+)$/.exec(text) ?? [];
  if (gpu === undefined || byteSize === undefined) {
    throw new Error(`must be GPU:BYTES, such as 0:67108864, not '${text}'`);
  }
  return { gpu: Number(gpu), byteSize: parseInteger(0)(byteSize) };
}

/** `devices` are the CUDA devices that the engine can use: none, as long as it runs models on the CPU only. */
export function findCudaPoolProblems(pools: readonly CudaPoolSize[], devices: readonly number[] = []): Problem[] {
  return pools
    .filter(({ gpu }) => !devices.includes(gpu))
    .map(({ gpu, byteSize }) => ({
      where: `--cuda-memory-pool-byte-size ${gpu}:${byteSize}`,
      what: `there is no CUDA device ${gpu} that this engine can use, so it can have no memory pool there`,
      hint: 'leave it out',
    }));
}
