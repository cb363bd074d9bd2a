import { describe, expect, it } from 'vitest';
import { OutputMarks } from '../../../engine/instance/output-marks.js';

/** Memory that does not begin on a word of its buffer where `skew` says so. */
const memoryOf = (byteLength: number, skew: number): Uint8Array =>
  new Uint8Array(new SharedArrayBuffer(byteLength + skew), skew, byteLength);

describe.each([0, 1, 4])('marks in memory that begins %i bytes into its buffer', (skew) => {
  it.each([1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 64, 1000])(
    'are found in an output of %i bytes until it is written',
    (size) => {
      for (const offset of [0, 64]) {
        const memory = memoryOf(64 + size, skew);
        const marks = new OutputMarks(memory, [{ offset, byteLength: size }]);
        marks.set();
        expect(marks.isAnyLeft()).toBe(true);
        const around = [...memory.subarray(0, offset), ...memory.subarray(offset + size)];
        expect(around.every((byte) => byte === 0)).toBe(true);
        for (const value of [0, 0x5a, 0xa5, 0xff]) {
          marks.set();
          memory.fill(value, offset, offset + size);
          // A value that looks like the mark is possible where one byte is all there is.
          if (size > 1) expect(marks.isAnyLeft()).toBe(false);
        }
      }
    },
  );

  it('are found when one of several outputs, or only the end of one, is not written', () => {
    const memory = memoryOf(256, skew);
    const marks = new OutputMarks(memory, [
      { offset: 0, byteLength: 40 },
      { offset: 64, byteLength: 0 },
      { offset: 128, byteLength: 33 },
    ]);
    marks.set();
    memory.fill(1, 0, 40);
    expect(marks.isAnyLeft()).toBe(true);
    memory.fill(1, 128, 128 + 20);
    expect(marks.isAnyLeft()).toBe(true);
    memory.fill(1, 128, 128 + 33);
    expect(marks.isAnyLeft()).toBe(false);
  });
});
