/** Reads a request's header fields: which method, how the messages are encoded, and how long the client waits. */
import type { Buffer } from 'node:buffer';
import { parseTimeoutMs } from '../../../src/http2/grpc-fields.js';
import type { DecodedHeaders } from '../../../src/http2/hpack-decoder.js';
import type { HeaderField } from '../../../src/http2/hpack-tables.js';
import { encodeHttpRefusal, encodeTrailersOnly } from './answer-frames.js';
import type { GrpcMethod, GrpcMethods } from './grpc-method.js';
import { chooseEncoding, type MessageEncoding } from './message-encoding.js';

export interface AcceptedHead {
  readonly kind: 'accepted';
  readonly method: GrpcMethod;
  readonly encoding: MessageEncoding;
  /** What answers are compressed as. */
  readonly answerEncoding: MessageEncoding;
  /** From the arrival of the headers; undefined means the client waits for ever. */
  readonly timeoutMs: number | undefined;
}

export type RequestHead =
  | AcceptedHead
  /** A well-formed request that is answered by this frame alone; its stream id is to be patched. */
  | { readonly kind: 'refused'; readonly answer: Buffer }
  /** Against HTTP/2's rules for requests. */
  | { readonly kind: 'malformed'; readonly message: string };

const pseudoNames = [':method', ':scheme', ':path', ':authority'];
/** They have a meaning in HTTP/1 only, and RFC 9113 forbids them. */
const connectionNames = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

export function readRequestHead(headers: DecodedHeaders, methods: GrpcMethods): RequestHead {
  if (headers.isTooLarge)
    return refuse(encodeHttpRefusal(431, 'RESOURCE_EXHAUSTED', 'the header fields are too large'));
  const problem = findProblem(headers.fields);
  if (problem !== undefined) return { kind: 'malformed', message: problem };
  const values = new Map<string, string>();
  for (const { name, value } of headers.fields) if (!values.has(name)) values.set(name, value);
  return readGrpcHead(values, methods);
}

/** What RFC 9113 calls a malformed request. */
function findProblem(fields: readonly HeaderField[]): string | undefined {
  const pseudo = new Set<string>();
  let isAfterPseudo = false;
  for (const { name, value } of fields) {
    if (name.startsWith(':')) {
      if (isAfterPseudo || pseudo.has(name) || !pseudoNames.includes(name)) return `misplaced or unknown field ${name}`;
      pseudo.add(name);
      continue;
    }
    isAfterPseudo = true;
    if (name === '' || name !== name.toLowerCase()) return 'a field name is empty or in upper case';
    if (connectionNames.includes(name)) return `field ${name} does not belong in HTTP/2`;
    if (name === 'te' && value !== 'trailers') return 'field te may only be "trailers"';
  }
  const missing = [':method', ':scheme', ':path'].find((name) => !pseudo.has(name));
  return missing === undefined ? undefined : `field ${missing} is missing`;
}

function readGrpcHead(values: ReadonlyMap<string, string>, methods: GrpcMethods): RequestHead {
  const path = values.get(':path')!;
  const contentType = values.get('content-type') ?? '';
  if (values.get(':method') !== 'POST') return refuse(encodeHttpRefusal(405, 'UNKNOWN', 'gRPC calls use POST'));
  if (!isGrpc(contentType)) {
    return refuse(encodeHttpRefusal(415, 'UNKNOWN', `content-type "${contentType}" is not application/grpc`));
  }
  const method = methods.get(path);
  if (method === undefined) return refuse(encodeTrailersOnly('UNIMPLEMENTED', `unknown method ${path}`));
  const encoding = values.get('grpc-encoding') ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'deflate') {
    return refuse(encodeTrailersOnly('UNIMPLEMENTED', `grpc-encoding ${encoding} is not supported`));
  }
  const timeout = values.get('grpc-timeout');
  const timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return refuse(encodeTrailersOnly('INTERNAL', `malformed grpc-timeout "${timeout}"`));
  }
  const answerEncoding = chooseEncoding(method.answerEncodings ?? [], values.get('grpc-accept-encoding'));
  return { kind: 'accepted', method, encoding, answerEncoding, timeoutMs };
}

/** `application/grpc`, alone or with a message format or parameters; the bytes are protobuf whatever it says. */
const isGrpc = (contentType: string): boolean => /^application\/grpc(\+proto)?\s*(;|$)/i.test(contentType);

const refuse = (answer: Buffer): RequestHead => ({ kind: 'refused', answer });
