/**
 * The HEADERS of requests. They are the same for every request of a client, so a connection teaches them to the server
 * once and then repeats indices; a server that keeps too small a table gets them in full each time.
 */
import { Buffer } from 'node:buffer';
import { encodeEmptyTable, encodeHeaderBlock, encodeRepeatedBlock } from '../../http2/hpack-encoder.js';
import type { HeaderField } from '../../http2/hpack-tables.js';
import { DEFAULT_HEADER_TABLE_BYTES } from '../../http2/protocol-constants.js';
import { frameHead } from './request-frames.js';

/** The frames of one set of fields, in each form. */
export interface HeadFrames {
  /** Teaches the fields, and repeats them. */
  readonly first: Buffer;
  readonly later: Buffer;
  /** Spells the fields out; the other one also gives up the table. */
  readonly plain: Buffer;
  readonly plainWithoutTable: Buffer;
  /** What the table must hold for `first` and `later`. */
  readonly tableBytes: number;
}

export function makeHeadFrames(fields: readonly HeaderField[]): HeadFrames {
  const { first, later, tableBytes } = encodeRepeatedBlock(fields);
  const plain = encodeHeaderBlock(fields);
  return {
    first: frameHead(first),
    later: frameHead(later),
    plain: frameHead(plain),
    plainWithoutTable: frameHead(Buffer.concat([encodeEmptyTable(), plain])),
    tableBytes,
  };
}

/** Which form comes next on one connection. */
export class RequestHeads {
  readonly #frames: HeadFrames;
  #next: Buffer;
  /** What follows after the next one. */
  #afterNext: Buffer;

  constructor(frames: HeadFrames) {
    this.#frames = frames;
    const fits = frames.tableBytes <= DEFAULT_HEADER_TABLE_BYTES;
    this.#next = fits ? frames.first : frames.plain;
    this.#afterNext = fits ? frames.later : frames.plain;
  }

  next(): Buffer {
    const frames = this.#next;
    this.#next = this.#afterNext;
    return frames;
  }

  /** A head of other fields, which touches no table: `own`, unless the table must be given up first. */
  nextInstead(own: Buffer): Buffer {
    return this.#next === this.#frames.plainWithoutTable ? this.next() : own;
  }

  /** The server announced a table of this size. A smaller one than the protocol's default is not used at all. */
  applyTableSize(tableBytes: number): void {
    if (tableBytes >= DEFAULT_HEADER_TABLE_BYTES) return;
    this.#next = this.#frames.plainWithoutTable;
    this.#afterNext = this.#frames.plain;
  }
}
