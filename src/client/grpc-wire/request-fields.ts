/** The header fields of a client's requests, and which of the user's headers may be among them. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import { formatTimeout } from '../../http2/grpc-fields.js';
import type { HeaderField } from '../../http2/hpack-tables.js';
import { grpcMethodPath } from '../../kserve/grpc-service.js';
import type { InferClientOptions } from '../infer-client.js';

/** Fields that the protocol gives a meaning of its own, or that HTTP/2 forbids. */
const reserved = new Set([
  'connection',
  'content-length',
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-timeout',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** All fields of an inference request whose deadline lies `deadlineMs` after its sending. */
export function requestFields(options: InferClientOptions, deadlineMs: number): readonly HeaderField[] {
  const own: readonly (readonly [string, string])[] = [
    [':method', 'POST'],
    [':scheme', options.tls === undefined ? 'http' : 'https'],
    [':path', grpcMethodPath('ModelInfer')],
    [':authority', options.endpoint],
    ['te', 'trailers'],
    ['grpc-timeout', formatTimeout(deadlineMs)],
    ['content-type', 'application/grpc'],
    ['user-agent', 'perf-ts'],
    ['grpc-accept-encoding', 'identity,deflate,gzip'],
  ];
  const users = Object.entries(options.headers ?? {});
  const isReplaced = (name: string): boolean => users.some(([given]) => given === name);
  return [...own.filter(([name]) => !isReplaced(name)), ...users].map(([name, value]) => ({ name, value }));
}

/** Throws PerfTsError BAD_OPTION with every header that gRPC cannot carry. */
export function checkHeaders(headers: Readonly<Record<string, string>> = {}): void {
  const problems = Object.entries(headers).flatMap(([name, value]): readonly Problem[] => {
    const what = faultOf(name, value);
    return what === undefined ? [] : [{ what, where: `header '${name}'` }];
  });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}

function faultOf(name: string, value: string): string | undefined {
  if (!/^[0-9a-z_.-]+$/.test(name)) return 'a gRPC metadata name has lower-case letters, digits, and the signs _ . -';
  if (reserved.has(name)) return 'this header belongs to the protocol and cannot be set';
  if (name.endsWith('-bin')) {
    return /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? undefined : 'the value of a -bin header must be given in base64';
  }
  return /^[\x20-\x7e]*$/.test(value) ? undefined : 'a gRPC metadata value has printable ASCII characters only';
}
