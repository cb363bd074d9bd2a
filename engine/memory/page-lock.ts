/** Keeps memory from being swapped out, through the C library. What the system does not allow is told, not thrown. */
import koffi from 'koffi';
import { messageOf } from '../../src/common/errors.js';
import { openNativeLibrary } from '../../src/onnxruntime/native-library.js';

/** Pages are locked as they are touched, so that locking a large pool neither takes time nor fills it with zeros. */
const MLOCK_ONFAULT = 1;

/** Locks the pages of `bytes` until the memory is unmapped; the reason when that is not possible, else undefined. */
export function lockPages(bytes: Uint8Array): string | undefined {
  if (process.platform === 'win32') return 'memory cannot be locked on Windows';
  if (bytes.byteLength === 0) return undefined;
  try {
    return lockOnFault(bytes) === 0 ? undefined : reasonOf(koffi.errno());
  } catch (thrown) {
    return `the C library cannot lock memory: ${messageOf(thrown)}`;
  }
}

function lockOnFault(bytes: Uint8Array): number {
  const library = openNativeLibrary(null);
  if (process.platform !== 'linux') {
    return library.func('mlock', 'int', ['void *', 'size_t'])(bytes, bytes.byteLength) as number;
  }
  const lock = library.func('mlock2', 'int', ['void *', 'size_t', 'int']);
  return lock(bytes, bytes.byteLength, MLOCK_ONFAULT) as number;
}

function reasonOf(errno: number): string {
  const { ENOMEM, EPERM, EAGAIN } = koffi.os.errno;
  if (errno === ENOMEM || errno === EPERM || errno === EAGAIN) {
    return "it is more than this process may lock (see 'ulimit -l')";
  }
  return `the system refused with error ${errno}`;
}
