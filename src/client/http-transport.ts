/**
 * HTTP/1.1 connections to one server: as many as there are requests in flight, kept alive, one request at a time on
 * each. Bytes and headers only; what they mean is not known here.
 */
import { Pool } from 'undici';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../common/errors.js';
import type { TlsOptions } from './infer-client.js';
import { describeTlsFault, tlsConnectionOptions } from './tls-files.js';

const CONNECT_TIMEOUT_MS = 5000;

/** Longer than any pause between levels, so that connections live as long as the server lets them. */
const KEEP_ALIVE_MS = 600_000;

/** `tls` left out: plain text. Throws PerfTsError BAD_FILE for its files. */
export const createHttpPool = (endpoint: string, tls?: TlsOptions): Pool =>
  new Pool(`${tls === undefined ? 'http' : 'https'}://${endpoint}`, {
    connections: null,
    pipelining: 1,
    // The clients have their own request timeout; undici's are coarse and would count only silence.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      noDelay: true,
      ...(tls && tlsConnectionOptions(hostOf(endpoint), tls, ['http/1.1'])),
    },
  });

export interface HttpAsk {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What came of one HTTP exchange. */
export type HttpAnswer =
  | {
      readonly state: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: Uint8Array;
    }
  | { readonly state: 'timeout' }
  /** No HTTP answer; `details` names the system error. */
  | { readonly state: 'failed'; readonly details: string };

/** One whole exchange; never rejects. */
export async function askHttp(pool: Pool, ask: HttpAsk, timeoutMs: number): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await pool.request({
      method: ask.method,
      path: ask.path,
      headers: ask.headers ?? {},
      body: ask.body ?? null,
      signal,
    });
    const body = await response.body.bytes();
    return { state: 'answered', status: response.statusCode, headers: response.headers, body };
  } catch (thrown) {
    return signal.aborted ? { state: 'timeout' } : { state: 'failed', details: describeHttpFault(thrown) };
  }
}

const hostOf = (endpoint: string): string => endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');

/** Fields that are the protocol's own, or the connection's. */
const reserved = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'inference-header-content-length',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Throws PerfTsError BAD_OPTION with every header that HTTP cannot carry or that perf-ts sets itself. */
export function checkHttpHeaders(headers: Readonly<Record<string, string>> = {}): void {
  const problems = Object.entries(headers).flatMap(([name, value]): readonly Problem[] => {
    const where = `header '${name}'`;
    if (reserved.has(name)) return [{ where, what: 'this header belongs to the protocol and cannot be set' }];
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return [{ where, what: 'is no name of an HTTP header' }];
    return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? [] : [{ where, what: 'has a value that HTTP cannot carry' }];
  });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}

/** Code and message of a transport error, the system error beneath it first. */
export function describeHttpFault(thrown: unknown): string {
  const tlsFault = describeTlsFault(thrown);
  if (tlsFault !== undefined) return tlsFault;
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return [systemCodeOf(cause), systemCodeOf(thrown), messageOf(thrown)].filter((part) => part !== undefined).join(' ');
}

/** The message in a KServe error body, or the start of whatever else the body holds. */
export function readErrorBody(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 2000)).toString('utf8');
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'error' in parsed) return String(parsed.error);
  } catch {
    // Not JSON: a proxy or another kind of server; its words are the best there is.
  }
  return text;
}

/** `/v2/models/NAME` or `/v2/models/NAME/versions/VERSION`. */
export function modelPath(model: string, version = ''): string {
  const versioned = version === '' ? '' : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(model)}${versioned}`;
}

export function unreachableByHttp(endpoint: string, details: string): PerfTsError {
  const hint = "check that the server is up and that this is its HTTP port (Triton's is 8000), or use -i grpc";
  return new PerfTsError('TARGET_UNREACHABLE', { what: `no HTTP answer: ${details}`, where: endpoint, hint });
}
