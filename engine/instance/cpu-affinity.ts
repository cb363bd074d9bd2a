/** Which CPU cores the calling thread may run on, through the C library. Linux only. */
import koffi from 'koffi';
import { openNativeLibrary } from '../../src/onnxruntime/native-library.js';

/** cpu_set_t of the C library: 1024 cores. */
const MASK_BYTES = 128;
/** The calling thread. */
const THIS_THREAD = 0;

type Affinity = (thread: number, byteLength: number, mask: Uint8Array) => number;

const affinityFunction = (name: 'sched_setaffinity' | 'sched_getaffinity'): Affinity =>
  openNativeLibrary(null).func(name, 'int', ['int', 'size_t', 'void *']) as Affinity;

/**
 * Binds the calling thread, and those that it starts from now on, to `cores`.
 * @throws Error when the system refuses.
 */
export function bindThread(cores: readonly number[]): void {
  const mask = new Uint8Array(MASK_BYTES);
  for (const core of cores) mask[core >> 3]! |= 1 << (core & 7);
  if (affinityFunction('sched_setaffinity')(THIS_THREAD, MASK_BYTES, mask) === 0) return;
  throw new Error(`the thread cannot be bound to the CPU cores ${cores.join(', ')}: system error ${koffi.errno()}`);
}

/** The cores that the calling thread may run on; undefined where the system cannot tell. */
export function allowedCores(): readonly number[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const mask = new Uint8Array(MASK_BYTES);
  if (affinityFunction('sched_getaffinity')(THIS_THREAD, MASK_BYTES, mask) !== 0) return undefined;
  return Array.from({ length: MASK_BYTES * 8 }, (_, core) => core).filter(
    (core) => mask[core >> 3]! & (1 << (core & 7)),
  );
}
