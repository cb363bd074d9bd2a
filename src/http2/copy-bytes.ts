/** Copies bytes the cheaper way for their number: a call into native code costs more than it moves for short runs. */

const SHORT_RUN_BYTES = 128;

/** Copies `source` from `start` to `end` to `target` at `at` and returns the position after them. No overlap. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const count = end - start;
  if (count > SHORT_RUN_BYTES) {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
  } else {
    for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
  }
  return at + count;
}
