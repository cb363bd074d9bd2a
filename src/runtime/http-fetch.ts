/**
 * HTTP for downloads: proxies from the environment, extra certificates, credentials in an address, redirects, and
 * attempts again after faults that pass. Says what went wrong in words that never contain credentials.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { type Dispatcher, EnvHttpProxyAgent, interceptors } from 'undici';
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';
import { through } from './through.js';

export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the transfer of a body that is not wanted. */
  discard(): Promise<void>;
}

export interface HttpFetch {
  /** One request with attempts again; any status below 500 but 429 is an answer. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** Body bytes received so far, all requests together. */
  readonly receivedBytes: number;
  /** Waits before attempt `attempt`; shared by those who continue a broken body. */
  pause(attempt: number): Promise<void>;
  close(): Promise<void>;
}

export interface HttpFetchOptions {
  /** More certificates to trust, in PEM. */
  readonly certFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Waiting times before attempts, in milliseconds; tests make them short. */
  readonly retryDelaysMs?: readonly number[];
  /** Told in a sentence when a server lets one wait for its answer, of two seconds and more. */
  readonly onWait?: (sentence: string) => void;
}

const RETRY_DELAYS_MS: readonly number[] = [500, 2_000, 5_000];
const TIMEOUT_MS = 30_000;
/** Nobody waits longer than this in silence. */
const NOTICE_AFTER_MS = 2_000;
const MAX_REDIRECTS = 5;

/** Throws PerfTsError BAD_FILE when `certFile` cannot be read. */
export function createHttpFetch(options: HttpFetchOptions = {}): HttpFetch {
  const agent = createAgent(options.certFile);
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));
  const delaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS;
  let receivedBytes = 0;
  const count = (bytes: number): void => {
    receivedBytes += bytes;
  };
  const pause = async (attempt: number): Promise<void> => {
    await delay(delaysMs[attempt - 1] ?? 0, undefined, options.signal ? { signal: options.signal } : undefined);
  };
  return {
    get receivedBytes() {
      return receivedBytes;
    },
    pause,
    async get(url, headers = {}) {
      for (let attempt = 1; ; attempt++) {
        const isLast = attempt > delaysMs.length;
        const how = attempt === 1 ? '' : `, attempt ${attempt} of ${delaysMs.length + 1}`;
        const notice = setTimeout(() => options.onWait?.(`Waiting for ${showUrl(url)}${how}.`), NOTICE_AFTER_MS);
        try {
          const answer = await request(dispatcher, url, headers, options.signal, count);
          if (isLast || !(answer.status >= 500 || answer.status === 429)) return answer;
          await answer.discard();
        } catch (cause) {
          if (isLast || options.signal?.aborted || !isPassing(cause)) throw unreachable(url, cause);
        } finally {
          clearTimeout(notice);
        }
        await pause(attempt);
      }
    },
    close: () => agent.destroy(),
  };
}

function createAgent(certFile: string | undefined): EnvHttpProxyAgent {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  if (certFile === undefined) return new EnvHttpProxyAgent(timeouts);
  try {
    const tls = { ca: [...rootCertificates, readFileSync(certFile, 'utf8')] };
    return new EnvHttpProxyAgent({ ...timeouts, connect: tls, requestTls: tls, proxyTls: tls });
  } catch (cause) {
    const what = `the certificates that pip is told to trust cannot be read: ${messageOf(cause)}`;
    throw new PerfTsError('BAD_FILE', { what, where: certFile, hint: 'correct PIP_CERT or pip’s cert setting' }, cause);
  }
}

async function request(
  dispatcher: Dispatcher,
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  count: (bytes: number) => void,
): Promise<HttpAnswer> {
  const { origin, path, authorization } = splitUrl(url);
  const answer = await dispatcher.request({
    origin,
    path,
    method: 'GET',
    headers: { 'user-agent': 'perf-ts', 'accept-encoding': 'identity', ...authorization, ...headers },
    ...(signal && { signal }),
  });
  const header = (name: string): string | undefined => {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const isPacked = header('content-encoding') === 'gzip';
  const body = counted(answer.body, count);
  return {
    status: answer.statusCode,
    header,
    // Some indexes answer packed whatever was asked for.
    body: isPacked ? through(body, createGunzip()) : body,
    async discard() {
      answer.body.on('error', () => undefined).destroy();
    },
  };
}

async function* counted(body: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    count(piece.length);
    yield piece;
  }
}

function splitUrl(url: string): { origin: string; path: string; authorization: Record<string, string> } {
  const { origin, pathname, search, username, password } = new URL(url);
  const path = `${pathname}${search}`;
  if (username === '' && password === '') return { origin, path, authorization: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { origin, path, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** An address that may be shown: without user, password, query and fragment. */
export function showUrl(url: string): string {
  try {
    const { origin, pathname } = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return 'the address given';
  }
}

const lastingCodes = new Set(['ERR_INVALID_URL', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UND_ERR_ABORTED']);
const isPassing = (cause: unknown): boolean =>
  !lastingCodes.has(systemCodeOf(cause) ?? '') && !/certificate/i.test(messageOf(cause));

/** What is said when a server cannot be reached, with the cause in plain words. */
export function unreachable(url: string, cause: unknown): PerfTsError {
  if (cause instanceof PerfTsError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') {
    return new PerfTsError('INTERRUPTED', { what: 'stopped while downloading' }, cause);
  }
  // A refused connection to each of several addresses is one error without words of its own.
  const reason = messageOf(cause) || systemCodeOf(cause) || 'no answer';
  return new PerfTsError(
    'RUNTIME_UNUSABLE',
    {
      where: showUrl(url),
      what: `cannot be reached: ${reason}`,
      hint: 'check the network, HTTPS_PROXY and pip’s index settings, or install offline with --find-links DIR --no-index',
    },
    cause,
  );
}
