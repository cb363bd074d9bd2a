/** Ends the process when threads of it are stuck in native code, which Node's own exit would wait for. */
import { openNativeLibrary } from '../src/onnxruntime/native-library.js';

/** Ends the process at once, without any cleaning up; everything that matters must have been written. */
export function leaveProcess(code: number): never {
  if (process.platform !== 'win32') openNativeLibrary(null).func('_exit', 'void', ['int'])(code);
  process.exit(code);
}
