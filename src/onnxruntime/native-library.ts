/** Opens shared libraries through koffi. Every library of a thread is opened here, because koffi must be set up first. */
import koffi, { type LibraryHandle } from 'koffi';

/** Native code runs on a stack that koffi provides; its default is too small for some execution providers. */
const STACK_BYTES = 8 * 1024 * 1024;

// A handle that is collected unloads its library and leaves every function taken from it pointing nowhere.
const handles = new Map<string | null, LibraryHandle>();

/**
 * The library at `path`, or the running program itself for null. Never unloaded.
 * @throws Error when the system cannot load it.
 */
export function openNativeLibrary(path: string | null): LibraryHandle {
  const known = handles.get(path);
  if (known !== undefined) return known;
  // Setting sizes is refused once the thread has loaded anything.
  if (koffi.config().sync_stack_size !== STACK_BYTES) {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  }
  const handle = koffi.load(path);
  handles.set(path, handle);
  return handle;
}
