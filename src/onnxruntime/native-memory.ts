/**
 * Copies bytes to, from and within memory that JavaScript does not own or shares with other threads. `set` on shared
 * memory copies byte by byte when source and target are not equally aligned (17 us for 48 KB), so larger pieces go
 * through the C library (1.3 us).
 */
import koffi from 'koffi';
import type { Memory, Pointer } from './api-functions.js';
import { openNativeLibrary } from './native-library.js';

type CopyMemory = (target: Memory, source: Memory, byteLength: number) => Pointer;

const LIBRARY = process.platform === 'win32' ? 'ucrtbase.dll' : null;

/** Up to here a plain loop beats any call. */
const LOOP_BYTES = 96;
/** From here a native call beats `set` on shared memory. */
const NATIVE_BYTES = 768;

let memcpy: CopyMemory | undefined;
const copyMemory = (): CopyMemory => {
  memcpy ??= openNativeLibrary(LIBRARY).func('memcpy', 'void *', ['void *', 'void *', 'size_t']) as CopyMemory;
  return memcpy;
};

/** Copies all of `source` to `offset` in `target`, which must have room for it. */
export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array): void {
  const byteLength = source.byteLength;
  if (byteLength <= LOOP_BYTES) {
    for (let i = 0; i < byteLength; i++) target[offset + i] = source[i]!;
    return;
  }
  if (byteLength < NATIVE_BYTES) {
    target.set(source, offset);
    return;
  }
  if (offset + byteLength > target.byteLength) throw new RangeError('the source does not fit into the target');
  copyMemory()(target.subarray(offset, offset + byteLength), source, byteLength);
}

/** Copies `target.byteLength` bytes from a native address. */
export function copyFromNative(target: Uint8Array, address: Pointer): void {
  if (target.byteLength > 0) copyMemory()(target, address, target.byteLength);
}

/** Copies all of `source` to a native address. */
export function copyToNative(address: Pointer, source: Uint8Array): void {
  if (source.byteLength > 0) copyMemory()(address, source, source.byteLength);
}

/** Where the bytes lie in this process, for another of its threads. Valid as long as their buffer is kept. */
export const addressOf = (bytes: Uint8Array): number => Number(koffi.address(bytes));
