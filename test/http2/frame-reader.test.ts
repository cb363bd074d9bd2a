import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, type FrameSink } from '../../src/http2/frame-reader.js';
import { encodeFrame } from '../../src/http2/frame-writer.js';
import { frameFlags, frameTypes } from '../../src/http2/protocol-constants.js';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: string;
}

/** Joins the parts of a DATA frame again. */
class Collector implements FrameSink {
  readonly frames: Frame[] = [];
  partCount = 0;
  private parts: Buffer[] = [];

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.frames.push({ type, flags, streamId, payload: bytes.toString('hex', start, end) });
  }

  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.partCount++;
    this.parts.push(Buffer.copyBytesFrom(bytes, start, end - start));
    if (!isLast) return;
    const payload = Buffer.concat(this.parts).toString('hex');
    this.frames.push({ type: frameTypes.DATA, flags, streamId, payload });
    this.parts = [];
  }
}

const limits = { maxFrameBytes: 20_000, maxControlFrameBytes: 10_000 };

const anyFrame = fc.record({
  type: fc.constantFrom(...Object.values(frameTypes), 77),
  flags: fc.nat(255),
  streamId: fc.nat(0x7fffffff),
  payload: fc
    .oneof(fc.nat(20), fc.constantFrom(0, 2047, 2048, 2049, 9000))
    .chain((length) => fc.nat(255).map((fill) => Buffer.alloc(length, fill))),
});

describe('FrameReader', () => {
  it('finds the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 3000 })), (list, cuts) => {
        const bytes = Buffer.concat(
          list.map((frame) => encodeFrame(frame.type, frame.flags, frame.streamId, frame.payload)),
        );
        const collector = new Collector();
        const reader = new FrameReader(collector, limits);
        const receive = Buffer.alloc(3000);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const count = Math.min(bytes.length - at, cuts[turn % cuts.length] ?? 3000);
          // One buffer for all reads, as on a socket: nothing may depend on what it held before.
          bytes.copy(receive, 7 % (3001 - count), at, at + count);
          reader.read(receive, 7 % (3001 - count), (7 % (3001 - count)) + count);
          receive.fill(0xee);
          at += count;
        }
        expect(collector.frames).toEqual(list.map((frame) => ({ ...frame, payload: frame.payload.toString('hex') })));
      }),
    );
  });

  it('hands a large DATA frame out in parts and a padded one whole', () => {
    const collector = new Collector();
    const reader = new FrameReader(collector, limits);
    for (const flags of [0, frameFlags.PADDED]) {
      const frame = encodeFrame(frameTypes.DATA, flags, 1, Buffer.alloc(9000));
      reader.read(frame, 0, 5000);
      reader.read(frame, 5000, frame.length);
    }
    expect(collector.partCount).toBe(2);
    expect(collector.frames).toHaveLength(2);
  });

  it.each([
    ['FRAME_SIZE_ERROR', frameTypes.DATA, 20_001],
    ['ENHANCE_YOUR_CALM', frameTypes.HEADERS, 10_001],
  ])('refuses with %s a frame that is too large, as soon as its header is there', (code, type, length) => {
    const header = encodeFrame(type, 0, 1, Buffer.alloc(length)).subarray(0, 9);
    for (const cut of [4, 9]) {
      const reader = new FrameReader(new Collector(), limits);
      const readAll = (): void => {
        reader.read(header, 0, cut);
        reader.read(header, cut, 9);
      };
      expect(readAll).toThrow(expect.objectContaining({ code }));
    }
  });
});
