/** Writes HTTP answers. Each is complete in one write, with its length known. */
import type { ServerResponse } from 'node:http';
import { INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';

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

/** An inference answer; `jsonLength` is undefined when the body is plain JSON. */
export function sendInference(response: ServerResponse, body: Uint8Array, jsonLength: number | undefined): void {
  const headers =
    jsonLength === undefined
      ? { 'content-type': 'application/json', 'content-length': body.byteLength }
      : {
          'content-type': 'application/octet-stream',
          [INFERENCE_HEADER_LENGTH]: jsonLength,
          'content-length': body.byteLength,
        };
  response.writeHead(200, headers).end(body);
}
