/** Where the bytes of batch slots come from. All of it is shared between threads. */

/** Bytes that belong to whoever took them until they are freed. */
export interface MemoryRegion {
  /** Over a SharedArrayBuffer. */
  readonly bytes: Uint8Array;
  /** True when they came from the pinned memory pool. */
  readonly isPooled: boolean;
  /** Once, and only when no thread reads or writes the bytes any more. */
  free(): void;
}

export interface TensorMemory {
  /** At least `byteLength` bytes; never fails for lack of room in a pool. */
  take(byteLength: number): MemoryRegion;
  /** The same out of a pool only; undefined when there is none or no room in it. */
  takePooled(byteLength: number): MemoryRegion | undefined;
}

/** Memory of its own for each region, which the garbage collector frees. */
export const ordinaryMemory: TensorMemory = {
  take: (byteLength) => ordinaryRegion(new SharedArrayBuffer(byteLength)),
  takePooled: () => undefined,
};

export const ordinaryRegion = (buffer: SharedArrayBuffer): MemoryRegion => ({
  bytes: new Uint8Array(buffer),
  isPooled: false,
  free: () => undefined,
});
