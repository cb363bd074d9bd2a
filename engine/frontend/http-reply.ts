/** Writes HTTP answers. Each is complete in one write, with its length known. */
import type { ServerResponse } from 'node:http';
import { INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';
import type { MessageEncoding } from './grpc-wire/message-encoding.js';

export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 }).end();
}

export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  const body = Buffer.from(JSON.stringify(document), 'utf8');
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

/** `{"error": message}`; does nothing when an answer has begun already or the caller has gone. */
export function sendError(response: ServerResponse, status: number, message: string): void {
  if (!response.headersSent && !response.destroyed) sendJson(response, status, { error: message });
}

/** An answer whose length is not announced, as Triton sends what a model generates; nothing where one has begun already. */
export function sendChunked(response: ServerResponse, status: number, contentType: string, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': contentType }).end(text);
}

/** The body of an inference answer as it goes out. */
export interface InferenceBody {
  readonly body: Uint8Array;
  /** Bytes of JSON before the binary data once unpacked; undefined when all of it is JSON. */
  readonly jsonLength: number | undefined;
  readonly encoding: MessageEncoding;
}

export function sendInference(response: ServerResponse, { body, jsonLength, encoding }: InferenceBody): void {
  const headers: Record<string, string | number> = { 'content-type': 'application/json' };
  if (jsonLength !== undefined) {
    headers['content-type'] = 'application/octet-stream';
    headers[INFERENCE_HEADER_LENGTH] = jsonLength;
  }
  if (encoding !== 'identity') headers['content-encoding'] = encoding;
  headers['content-length'] = body.byteLength;
  response.writeHead(200, headers).end(body);
}
