/** Knobs that are flags of the server: sizes of its memory pools and the build of ONNX Runtime it loads. */
import { readByteSize } from '../../common/byte-size.js';
import type { KnobValue } from '../strategies/strategy.js';
import { always, type Knob, type KnobContext, unchanged, wholeNumber } from './knob.js';

const MIB = 2 ** 20;
/** A pool that takes more than this share of what there is starves what it is to serve. */
const MAX_SHARE = 0.5;

interface PoolKnob {
  readonly name: string;
  readonly flag: string;
  readonly defaultBytes: number;
  readonly sizesMib: readonly number[];
  /** How much there is, or undefined where it is not known; 0 takes the knob away. */
  readonly available: (context: KnobContext) => number | undefined;
  readonly flags: (bytes: number, context: KnobContext) => readonly string[];
  readonly explanation: string;
}

/** Sizes are written as `256MiB` or as bytes. */
const sizeOf = (value: KnobValue): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'string' ? readByteSize(value) : undefined;

function poolKnob({ name, flag, defaultBytes, sizesMib, available, flags, explanation }: PoolKnob): Knob {
  const most = (context: KnobContext): number => MAX_SHARE * (available(context) ?? Number.POSITIVE_INFINITY);
  return {
    name,
    scope: 'portable',
    place: 'server-flag',
    writes: `--${flag}`,
    isOrdered: true,
    isMinor: true,
    linePath: [],
    values(context) {
      if (available(context) === 0) return [defaultBytes];
      return sizesMib.map((size) => size * MIB).filter((size) => size === defaultBytes || size <= most(context));
    },
    read: () => defaultBytes,
    normalize: (value) => sizeOf(value) ?? value,
    refuse(value, context) {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
        return 'must be a size such as 256MiB or 0';
      if (available(context) === 0) return 'cannot be set: there is no CUDA device';
      return value > most(context) ? 'is more than half of the memory that there is' : undefined;
    },
    unusable: (context) => (available(context) === 0 ? 'there is no CUDA device' : undefined),
    isActive: always,
    write: unchanged,
    serverFlags: (value, context) => (value === defaultBytes ? [] : flags(Number(value), context)),
    memoryBytes: (value) => Number(value),
    explain: () => explanation,
  };
}

export const pinnedMemoryPool = poolKnob({
  name: 'pinned_memory_pool_bytes',
  flag: 'pinned-memory-pool-byte-size',
  defaultBytes: 256 * MIB,
  sizesMib: [0, 16, 64, 256, 1024],
  available: ({ memoryBytes }) => memoryBytes,
  flags: (size) => [`--pinned-memory-pool-byte-size=${size}`],
  explanation: 'memory that batches are gathered in',
});

export const cudaMemoryPool = poolKnob({
  name: 'cuda_memory_pool_bytes',
  flag: 'cuda-memory-pool-byte-size',
  defaultBytes: 64 * MIB,
  sizesMib: [0, 64, 256, 1024],
  available: ({ gpuCount = 0, gpuMemoryBytes }) => (gpuCount === 0 ? 0 : gpuMemoryBytes),
  flags: (size, { gpuCount = 0 }) =>
    Array.from({ length: gpuCount }, (_, gpu) => `--cuda-memory-pool-byte-size=${gpu}:${size}`),
  explanation: 'memory of each GPU that requests are staged in',
});

interface ThreadFlag {
  readonly name: string;
  readonly flag: string;
  /** The server's default comes first. */
  readonly counts: readonly number[];
  readonly range: readonly [low: number, high: number];
  readonly explanation: string;
}

const onlyTriton = 'only a tritonserver has it (--server local)';

/** Threads of a tritonserver, which our engine has no use for. */
const threadFlag = ({ name, flag, counts, range, explanation }: ThreadFlag): Knob => ({
  name,
  scope: 'portable',
  place: 'server-flag',
  writes: `--${flag}`,
  isOrdered: true,
  isMinor: true,
  linePath: [],
  values: ({ isTriton = false }) => (isTriton ? counts : [counts[0]!]),
  read: () => counts[0]!,
  refuse: (value, { isTriton = false }) =>
    isTriton || value === counts[0] ? wholeNumber(...range)(value) : `cannot be set: ${onlyTriton}`,
  unusable: ({ isTriton = false }) => (isTriton ? undefined : onlyTriton),
  isActive: always,
  write: unchanged,
  serverFlags: (value) => (value === counts[0] ? [] : [`--${flag}=${value}`]),
  explain: () => explanation,
});

/** The range is the one that the server takes. */
export const grpcInferThreads = threadFlag({
  name: 'grpc_infer_threads',
  flag: 'grpc-infer-thread-count',
  counts: [2, 4, 8],
  range: [2, 128],
  explanation: 'threads of the server that take requests over gRPC',
});

export const bufferThreads = threadFlag({
  name: 'buffer_threads',
  flag: 'buffer-manager-thread-count',
  counts: [0, 1, 2, 4],
  range: [0, 1024],
  explanation: 'threads of the server that gather batches',
});

const BUNDLED = 'bundled';

export const runtime: Knob = {
  name: 'runtime',
  scope: 'engine',
  place: 'server-flag',
  writes: '--ort-library',
  isOrdered: false,
  isMinor: true,
  linePath: [],
  values: ({ runtimes = {} }) => [BUNDLED, ...Object.keys(runtimes)],
  read: () => BUNDLED,
  refuse: (value, { runtimes = {} }) =>
    value === BUNDLED || Object.hasOwn(runtimes, String(value))
      ? undefined
      : `is not a runtime that is usable here; those are ${[BUNDLED, ...Object.keys(runtimes)].join(', ')}`,
  isActive: always,
  write: unchanged,
  serverFlags: (value, { runtimes = {} }) =>
    value === BUNDLED ? [] : [`--ort-library=${runtimes[String(value)] ?? ''}`],
  explain: (value) => `build of ONNX Runtime: ${String(value)}`,
};
