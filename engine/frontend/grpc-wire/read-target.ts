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

  /** What is left of a frame is read directly from `smallestBytes` on, of a large message earlier. */
  constructor(reader: FrameReader, calls: CallTable, smallestBytes: number) {
    this.reader = reader;
    this.calls = calls;
    this.smallestBytes = smallestBytes;
  }

  /** The memory for the next read; what the last read went into is let go of. */
  choose(shared: Buffer): Buffer {
    const wasArmed = this.armed !== undefined;
    this.release();
    const { reader } = this;
    const { smallestBytes } = this;
    if (reader.openPartBytes >= smallestBytes / LARGE_FACTOR) {
      const assembler = this.calls.gatheringOn(reader.openPartStreamId);
      const isWorthIt =
        reader.openPartBytes >= smallestBytes || (assembler?.announcedBytes ?? 0) >= smallestBytes * LARGE_FACTOR;
      const target = isWorthIt ? assembler?.arm(reader.openPartBytes, FRAME_HEADER_BYTES) : undefined;
      if (target !== undefined) {
        this.armed = assembler;
        return target;
      }
    }
    // After a large message another one is expected. If it does not begin with the short read, reads are long again.
    return wasArmed && reader.openPartBytes === 0 ? shared.subarray(0, FIRST_READ_BYTES) : shared;
  }

  /** Call when the socket is closed. */
  release(): void {
    this.armed?.disarm();
    this.armed = undefined;
  }
}
