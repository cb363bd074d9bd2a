/** Loads libonnxruntime through koffi and reads its table of functions, once per path and thread. */
import { existsSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { messageOf, PerfTsError } from '../common/errors.js';
import { type ApiFunctions, apiFunctionNames, isAlwaysThere, type Pointer, prototypeOf } from './api-functions.js';
import { indexInTable, NEWEST_API_VERSION, OLDEST_API_VERSION } from './api-order.js';
import { bundledLibraryPath } from './library-path.js';
import { openNativeLibrary } from './native-library.js';
import { checkStatus } from './ort-error.js';
import { requireTelemetryOff } from './telemetry.js';

export interface OrtLibrary {
  readonly path: string;
  /** Such as `1.30.0`. */
  readonly version: string;
  readonly apiVersion: number;
  readonly api: ApiFunctions;
  readonly env: Pointer;
  /** Describes plain CPU memory. */
  readonly cpuMemory: Pointer;
  /** ONNX Runtime's own CPU allocator. */
  readonly allocator: Pointer;
}

/** ORT_LOGGING_LEVEL_ERROR: warnings of the optimizer would drown an engine's own messages. */
const LOG_LEVEL_ERROR = 3;
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;
const POINTER_BYTES = 8;

const openedByPath = new Map<string, OrtLibrary>();

/**
 * The library at `path`, or the one that onnxruntime-node ships; loaded once per thread.
 * @throws PerfTsError RUNTIME_UNUSABLE when it is missing, is no ONNX Runtime, or is too old.
 */
export function loadOrtLibrary(path: string = bundledLibraryPath()): OrtLibrary {
  const known = openedByPath.get(path);
  if (known !== undefined) return known;
  requireTelemetryOff();
  const opened = openLibrary(path);
  openedByPath.set(path, opened);
  return opened;
}

function openLibrary(path: string): OrtLibrary {
  if (!existsSync(path)) throw unusable(path, 'there is no such file');
  let handle: LibraryHandle;
  let base: Pointer;
  try {
    handle = openNativeLibrary(path);
  } catch (cause) {
    throw unusable(path, `it cannot be loaded: ${messageOf(cause)}`, cause);
  }
  try {
    base = handle.func('OrtGetApiBase', 'void *', [])() as Pointer;
  } catch (cause) {
    throw unusable(path, 'it is not ONNX Runtime: it has no function OrtGetApiBase', cause);
  }
  const version = koffi.call(koffi.decode(base, POINTER_BYTES, 'void *'), koffi.proto('str', [])) as string;
  const apiVersion = apiVersionFor(version, path);
  const getApi = koffi.proto('void *', ['uint32_t']);
  const table = koffi.call(koffi.decode(base, 'void *'), getApi, apiVersion) as Pointer | null;
  if (!table) throw unusable(path, `ONNX Runtime ${version} does not offer version ${apiVersion} of its C API`);
  const api = readFunctions(table, apiVersion, path);
  return { path, version, apiVersion, api, ...createEnvironment(api) };
}

/** Release 1.X offers API versions up to X. */
function apiVersionFor(version: string, path: string): number {
  const minor = Number(/^1\.(\d+)\./.exec(version)?.[1] ?? Number.NaN);
  if (minor >= OLDEST_API_VERSION) return Math.min(minor, NEWEST_API_VERSION);
  throw unusable(path, `it is ONNX Runtime ${version}, and perf-ts needs 1.${OLDEST_API_VERSION} or a later 1.x`);
}

function readFunctions(table: Pointer, apiVersion: number, path: string): ApiFunctions {
  const entries = apiFunctionNames.flatMap((name) => {
    const index = indexInTable(name, apiVersion);
    if (index === undefined) {
      if (!isAlwaysThere(name)) return [];
      throw unusable(path, `version ${apiVersion} of its C API has no function ${name}`);
    }
    const address = koffi.decode(table, index * POINTER_BYTES, 'void *') as Pointer;
    return [[name, koffi.decode(address, prototypeOf(name)) as unknown] as const];
  });
  return Object.fromEntries(entries) as unknown as ApiFunctions;
}

/**
 * The environment is counted by the library and shared by all threads. It lives as long as the process: releasing the
 * last one while another thread still holds a session would take its logger away.
 */
function createEnvironment(api: ApiFunctions): Pick<OrtLibrary, 'env' | 'cpuMemory' | 'allocator'> {
  const place = new BigUint64Array(1);
  const taken = (): Pointer => place[0]!;
  checkStatus(api, api.CreateEnv(LOG_LEVEL_ERROR, 'perf-ts', place));
  const env = taken();
  checkStatus(api, api.DisableTelemetryEvents(env));
  checkStatus(api, api.CreateCpuMemoryInfo(DEVICE_ALLOCATOR, DEFAULT_MEMORY, place));
  const cpuMemory = taken();
  checkStatus(api, api.GetAllocatorWithDefaultOptions(place));
  return { env, cpuMemory, allocator: taken() };
}

function unusable(path: string, what: string, cause?: unknown): PerfTsError {
  return new PerfTsError(
    'RUNTIME_UNUSABLE',
    {
      what: `cannot use this ONNX Runtime library: ${what}`,
      where: path,
      hint: 'give the path of a libonnxruntime, or none: perf-ts brings one, which npm ci reinstalls',
    },
    cause,
  );
}
