/** The frames of an answer that are always the same but for the stream id, and the trailers of a failed call. */
import type { Buffer } from 'node:buffer';
import { encodeFrame } from '../../../src/http2/frame-writer.js';
import { encodeStatusMessage } from '../../../src/http2/grpc-fields.js';
import { encodeHeaderBlock } from '../../../src/http2/hpack-encoder.js';
import type { HeaderField } from '../../../src/http2/hpack-tables.js';
import { frameFlags, frameTypes } from '../../../src/http2/protocol-constants.js';
import { type StatusName, statusCodes } from '../../../src/kserve/status.js';
import type { MessageEncoding } from './message-encoding.js';

/** Enough for any diagnosis and, escaped threefold, still below the header list that clients accept. */
const MAX_MESSAGE_LENGTH = 1500;

const field = (name: string, value: string): HeaderField => ({ name, value });

const acceptEncoding = field('grpc-accept-encoding', 'identity,deflate,gzip');

const leading: readonly HeaderField[] = [
  field(':status', '200'),
  field('content-type', 'application/grpc'),
  acceptEncoding,
];

function statusFields(status: StatusName, message: string): readonly HeaderField[] {
  const code = field('grpc-status', String(statusCodes[status]));
  return message === '' ? [code] : [code, field('grpc-message', encodeStatusMessage(shorten(message)))];
}

const shorten = (message: string): string =>
  message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH)}...`;

const headersFrame = (fields: readonly HeaderField[], isEnd: boolean): Buffer =>
  encodeFrame(
    frameTypes.HEADERS,
    frameFlags.END_HEADERS | (isEnd ? frameFlags.END_STREAM : 0),
    0,
    encodeHeaderBlock(fields),
  );

/** HEADERS before the first message of an answer, by the encoding of its messages. Stream id 0, to be patched. */
export const answerHeaders: Readonly<Record<MessageEncoding, Buffer>> = {
  identity: headersFrame(leading, false),
  gzip: headersFrame([...leading, field('grpc-encoding', 'gzip')], false),
  deflate: headersFrame([...leading, field('grpc-encoding', 'deflate')], false),
};

/** HEADERS that end a successful answer. Stream id 0, to be patched. */
export const okTrailers: Buffer = headersFrame(statusFields('OK', ''), true);

/** HEADERS that end an answer whose first headers are out already. */
export const encodeTrailers = (status: StatusName, message: string): Buffer =>
  headersFrame(statusFields(status, message), true);

/** HEADERS that are the whole answer. */
export const encodeTrailersOnly = (status: StatusName, message: string): Buffer =>
  headersFrame([...leading, ...statusFields(status, message)], true);

/** An answer to what is not gRPC: a plain HTTP status, with the reason as gRPC would tell it. */
export const encodeHttpRefusal = (httpStatus: number, status: StatusName, message: string): Buffer =>
  headersFrame([field(':status', String(httpStatus)), ...statusFields(status, message)], true);
