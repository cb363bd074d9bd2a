/**
 * Where the next read of a connection's socket goes. Most go into the buffer that all connections share; the bulk of a
 * large message goes straight into the memory it is gathered in, so that it is not copied on its way there.
 */
import type { Buffer } from 'node:buffer';
import type { FrameReader } from '../../../src/http2/frame-reader.js';
import type { MessageAssembler } from '../../../src/http2/message-assembler.js';
import { FRAME_HEADER_BYTES } from '../../../src/http2/protocol-constants.js';
import type { CallTable } from './call-table.js';

/** Takes the header fields, the frame header and the tensor descriptions before the bulk of a request, and little of the bulk. */
const FIRST_READ_BYTES = 1024;
/**
 * Of a message so many times the smallest direct read, parts that many times smaller are read directly too: clients with
 * frames of 16 KB then cost some more reads (5 % of the CPU time at 205 KB), but their tensors are not copied on the way.
 */
const LARGE_FACTOR = 4;

export class ReadTarget {
  private readonly reader: FrameReader;
  private readonly calls: CallTable;
  private readonly smallestBytes: number;
  private armed: MessageAssembler | undefined;
  /** The last read was cut to fit a large message. */
  private isFollowing = false;

  /** What is left of a frame is read directly from `smallestBytes` on, of a large message earlier. */
  constructor(reader: FrameReader, calls: CallTable, smallestBytes: number) {
    this.reader = reader;
    this.calls = calls;
    this.smallestBytes = smallestBytes;
  }

  /** The memory for the next read; what the last read went into is let go of. */
  choose(shared: Buffer): Buffer {
    const wasFollowing = this.isFollowing;
    this.release();
    this.isFollowing = false;
    const { openPartBytes, openPartStreamId } = this.reader;
    // After a large message another one is expected. If it does not begin with the short read, reads are long again.
    if (openPartBytes === 0) return wasFollowing ? shared.subarray(0, FIRST_READ_BYTES) : shared;
    const assembler = this.calls.gatheringOn(openPartStreamId);
    if (assembler === undefined) return shared;
    const { smallestBytes } = this;
    const isLarge = assembler.announcedBytes >= smallestBytes * LARGE_FACTOR;
    if (openPartBytes >= (isLarge ? smallestBytes / LARGE_FACTOR : smallestBytes)) {
      const target = assembler.arm(openPartBytes, FRAME_HEADER_BYTES);
      if (target !== undefined) {
        this.armed = assembler;
        this.isFollowing = true;
        return target;
      }
    }
    // Up to the payload of the next frame, or a long read would end within frame after frame without ever following one.
    this.isFollowing = isLarge;
    if (isLarge) return shared.subarray(0, Math.min(openPartBytes + FRAME_HEADER_BYTES, shared.length));
    // The next message begins here, behind the header of its frame.
    this.isFollowing = wasFollowing && assembler.isAtBoundary();
    return this.isFollowing ? shared.subarray(0, FIRST_READ_BYTES) : shared;
  }

  /** Call when the socket is closed. */
  release(): void {
    this.armed?.disarm();
    this.armed = undefined;
  }
}
