/** What a build of ONNX Runtime says of itself. It loads the library, so it belongs into a process that may crash. */
import koffi from 'koffi';
import type { Pointer } from '../onnxruntime/api-functions.js';
import { indexInTable } from '../onnxruntime/api-order.js';
import { loadOrtLibrary } from '../onnxruntime/library.js';
import { openNativeLibrary } from '../onnxruntime/native-library.js';
import { nameOfProvider } from '../onnxruntime/provider-table.js';

export interface LibraryFacts {
  readonly version: string;
  readonly apiVersion: number;
  /** By perf-ts's names where it has one, else ONNX Runtime's. */
  readonly providers: readonly string[];
}

const POINTER_BYTES = 8;

/** Throws PerfTsError RUNTIME_UNUSABLE when it is no library that perf-ts can use. */
export function readLibraryFacts(path: string): LibraryFacts {
  const { version, apiVersion } = loadOrtLibrary(path);
  return { version, apiVersion, providers: readProviders(path, apiVersion).map(nameOfProvider) };
}

/** GetAvailableProviders(char*** out, int* length) lists what is compiled in. */
function readProviders(path: string, apiVersion: number): string[] {
  const base = openNativeLibrary(path).func('OrtGetApiBase', 'void *', [])() as Pointer;
  const getApi = koffi.proto('void *', ['uint32_t']);
  const table = koffi.call(koffi.decode(base, 'void *'), getApi, apiVersion) as Pointer;
  const call = (name: string, ...args: unknown[]): void => {
    const index = indexInTable(name, apiVersion);
    if (index === undefined) throw new Error(`no function ${name} in version ${apiVersion} of the C API`);
    const address = koffi.decode(table, index * POINTER_BYTES, 'void *') as Pointer;
    koffi.call(address, koffi.proto('void *', ['void *', name.startsWith('Get') ? 'void *' : 'int']), ...args);
  };
  const place = new BigUint64Array(1);
  const count = new Int32Array(1);
  call('GetAvailableProviders', place, count);
  const list = place[0]!;
  const names = Array.from(
    { length: count[0]! },
    (_, index) => koffi.decode(list, index * POINTER_BYTES, 'str') as string,
  );
  call('ReleaseAvailableProviders', list, count[0]);
  return names;
}
