/**
 * Turns the header blocks of a server's answers into what they mean for a call; owns one connection's HPACK state. A
 * block that came before means the same, so most calls decode nothing.
 */
import { Buffer } from 'node:buffer';
import { decodeStatusMessage } from '../../http2/grpc-fields.js';
import { HeaderBlockCache } from '../../http2/header-block-cache.js';
import { type DecodedHeaders, HpackDecoder } from '../../http2/hpack-decoder.js';
import { ConnectionError } from '../../http2/http2-error.js';
import { DEFAULT_HEADER_TABLE_BYTES, FRAME_HEADER_BYTES, frameFlags } from '../../http2/protocol-constants.js';
import { httpStatusName } from '../failure-cause.js';
import { answered, answerWithoutStatus, type Ending, failedWith, refusedWith } from './ending.js';

/** Announced as SETTINGS_MAX_HEADER_LIST_SIZE. */
export const MAX_HEADER_LIST_BYTES = 65_536;
const MAX_BLOCK_BYTES = 4 * MAX_HEADER_LIST_BYTES;

export interface AnswerHead {
  /** 0 for trailers. */
  readonly httpStatus: number;
  /** How the call ended if this block is its last; `answered` for status 0. */
  readonly ending: Ending;
  /** Of the messages; undefined for none. */
  readonly encoding: string | undefined;
}

export class AnswerHeads {
  /** Stream of a block that must go on before any other frame; 0 if there is none. */
  openStreamId = 0;
  /** Flags of the HEADERS frame that began the block finished last by `add`. */
  openFlags = 0;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  readonly #decoder = new HpackDecoder({ tableBytes: DEFAULT_HEADER_TABLE_BYTES, listBytes: MAX_HEADER_LIST_BYTES });
  readonly #cache = new HeaderBlockCache<AnswerHead>();

  /** Reads a block that came whole. Throws ConnectionError when it is malformed. */
  read(bytes: Buffer, start: number, end: number): AnswerHead {
    const { generation } = this.#decoder;
    const known = this.#cache.find(bytes, start, end, generation);
    if (known !== undefined) return known;
    const head = readHead(this.#decoder.decode(bytes, start, end));
    if (this.#decoder.generation === generation) this.#cache.remember(bytes, start, end, generation, head);
    return head;
  }

  /** Begins a block that is not whole. */
  begin(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void {
    this.openStreamId = streamId;
    this.openFlags = flags;
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#append(bytes, start, end);
  }

  /** Adds a CONTINUATION; returns the head once the block is whole. Throws ConnectionError when it is too long. */
  add(flags: number, bytes: Buffer, start: number, end: number): AnswerHead | undefined {
    this.#append(bytes, start, end);
    if ((flags & frameFlags.END_HEADERS) === 0) return undefined;
    this.openStreamId = 0;
    const block = Buffer.concat(this.#fragments);
    this.#fragments = [];
    return this.read(block, 0, block.length);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    // With the frame's own bytes, so that a flood of empty fragments ends as well.
    this.#fragmentBytes += FRAME_HEADER_BYTES + end - start;
    if (this.#fragmentBytes > MAX_BLOCK_BYTES) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', `header block of more than ${MAX_BLOCK_BYTES} bytes`);
    }
    this.#fragments.push(Buffer.copyBytesFrom(bytes, start, end - start));
  }
}

function readHead({ fields, isTooLarge }: DecodedHeaders): AnswerHead {
  let httpStatus = 0;
  let code: number | undefined;
  let message = '';
  let encoding: string | undefined;
  for (const { name, value } of fields) {
    if (name === ':status') httpStatus = /^[1-5]\d\d$/.test(value) ? Number(value) : -1;
    else if (name === 'grpc-status') code = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    else if (name === 'grpc-message') message = decodeStatusMessage(value);
    else if (name === 'grpc-encoding' && value !== 'identity') encoding = value;
  }
  return { httpStatus, encoding, ending: endingOf(isTooLarge, httpStatus, code, message) };
}

function endingOf(isTooLarge: boolean, httpStatus: number, code: number | undefined, message: string): Ending {
  if (isTooLarge) return failedWith('INTERNAL', "the answer's header list is too large");
  if (httpStatus === -1 || code === -1) return failedWith('INTERNAL', 'malformed status in the answer');
  if (code === 0 && (httpStatus === 0 || httpStatus === 200)) return answered;
  if (code !== undefined && code !== 0) return refusedWith(code, message);
  if (httpStatus !== 0 && httpStatus !== 200) {
    return failedWith(httpStatusName(httpStatus), `HTTP status ${httpStatus} instead of a gRPC answer`);
  }
  return answerWithoutStatus;
}
