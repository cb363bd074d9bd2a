/** Turns the header blocks of one connection into request heads; owns the connection's HPACK state and its memory of blocks. */
import { Buffer } from 'node:buffer';
import { HeaderBlockCache } from '../../../src/http2/header-block-cache.js';
import { HpackDecoder } from '../../../src/http2/hpack-decoder.js';
import { ConnectionError } from '../../../src/http2/http2-error.js';
import { DEFAULT_HEADER_TABLE_BYTES, FRAME_HEADER_BYTES, frameFlags } from '../../../src/http2/protocol-constants.js';
import type { GrpcMethods } from './grpc-method.js';
import { type RequestHead, readRequestHead } from './request-head.js';

/** A header block that goes on in CONTINUATION frames. */
interface OpenBlock {
  readonly streamId: number;
  readonly flags: number;
  readonly fragments: Buffer[];
  /** With the frames' headers, so that a flood of empty fragments ends as well. */
  byteCount: number;
}

export class RequestHeads {
  private readonly decoder: HpackDecoder;
  private readonly cache = new HeaderBlockCache<RequestHead>();
  private readonly methods: GrpcMethods;
  private readonly maxBlockBytes: number;
  private open: OpenBlock | undefined;

  /** A block may be four times as long as the list it stands for before the connection is given up. */
  constructor(methods: GrpcMethods, maxHeaderListBytes: number) {
    this.methods = methods;
    this.maxBlockBytes = 4 * maxHeaderListBytes;
    this.decoder = new HpackDecoder({ tableBytes: DEFAULT_HEADER_TABLE_BYTES, listBytes: maxHeaderListBytes });
  }

  /** Stream of a block that must go on before any other frame, 0 if there is none. */
  get openStreamId(): number {
    return this.open?.streamId ?? 0;
  }

  /** Flags of the HEADERS frame that began the block finished last by `add`. */
  flags = 0;

  /** Reads a block that came whole. Throws ConnectionError when it is malformed. */
  read(bytes: Buffer, start: number, end: number): RequestHead {
    const { generation } = this.decoder;
    const known = this.cache.find(bytes, start, end, generation);
    if (known !== undefined) return known;
    const head = readRequestHead(this.decoder.decode(bytes, start, end), this.methods);
    if (this.decoder.generation === generation) this.cache.remember(bytes, start, end, generation, head);
    return head;
  }

  /** Begins a block that is not whole. */
  begin(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void {
    this.open = { streamId, flags, fragments: [], byteCount: 0 };
    this.append(this.open, bytes, start, end);
  }

  /** Adds a CONTINUATION; returns the head once the block is whole. Throws ConnectionError when it is too long. */
  add(flags: number, bytes: Buffer, start: number, end: number): RequestHead | undefined {
    const { open } = this;
    if (open === undefined) throw new ConnectionError('PROTOCOL_ERROR', 'CONTINUATION without HEADERS');
    this.append(open, bytes, start, end);
    if ((flags & frameFlags.END_HEADERS) === 0) return undefined;
    this.open = undefined;
    this.flags = open.flags;
    const block = Buffer.concat(open.fragments);
    return this.read(block, 0, block.length);
  }

  private append(open: OpenBlock, bytes: Buffer, start: number, end: number): void {
    open.byteCount += FRAME_HEADER_BYTES + end - start;
    if (open.byteCount > this.maxBlockBytes) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', `header block of more than ${this.maxBlockBytes} bytes`);
    }
    open.fragments.push(Buffer.copyBytesFrom(bytes, start, end - start));
  }
}
