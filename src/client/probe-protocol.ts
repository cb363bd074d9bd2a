/**
 * Finds out what a port speaks: an HTTP/2 greeting is answered with a SETTINGS frame by a gRPC server and with text by
 * an HTTP/1.1 server, so one exchange of a few bytes tells them apart.
 */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemCodeOf } from '../common/errors.js';
import type { Protocol } from '../kserve/protocol.js';
import type { TlsOptions } from './infer-client.js';
import { describeTlsFault, tlsConnectionOptions } from './tls-files.js';

export const PROBE_TIMEOUT_MS = 3000;

/** Client preface of HTTP/2 (RFC 9113, section 3.4) and an empty SETTINGS frame. */
const GREETING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_TYPE = 4;
const FRAME_HEADER_BYTES = 9;

/** `reason` says why nothing could be told, in words for people. */
export type ProbeResult =
  | { readonly state: 'found'; readonly protocol: Protocol }
  | { readonly state: 'unknown'; readonly reason: string };

/**
 * Asks `host:port` which protocol it speaks. With `tls` the handshake tells, and `wanted` is what is asked for if it is
 * known. Rejects only with PerfTsError BAD_FILE, for the files of `tls`.
 */
export async function probeProtocol(hostPort: string, tls?: TlsOptions, wanted?: Protocol): Promise<ProbeResult> {
  if (tls !== undefined) return probeTls(hostPort, tls, wanted);
  const greeted = await exchangeBytes(hostPort, GREETING);
  if (greeted.state === 'failed') return { state: 'unknown', reason: greeted.reason };
  const protocol = protocolOf(greeted.bytes);
  if (protocol !== undefined) return { state: 'found', protocol };
  // Some HTTP/1.1 servers hang up on a greeting they do not know; a plain request settles it.
  const request = `GET /v2/health/live HTTP/1.1\r\nHost: ${hostPort}\r\nConnection: close\r\n\r\n`;
  const asked = await exchangeBytes(hostPort, Buffer.from(request, 'latin1'));
  if (asked.state === 'failed') return { state: 'unknown', reason: asked.reason };
  if (protocolOf(asked.bytes) === 'http') return { state: 'found', protocol: 'http' };
  return { state: 'unknown', reason: 'it accepts connections but speaks neither gRPC nor HTTP' };
}

const alpnNames = { grpc: 'h2', http: 'http/1.1' } satisfies Record<Protocol, string>;

/** A server that does not negotiate speaks HTTP/1.1. */
function probeTls(hostPort: string, tls: TlsOptions, wanted: Protocol | undefined): Promise<ProbeResult> {
  const { host, port } = splitEndpoint(hostPort);
  const names = wanted === undefined ? Object.values(alpnNames) : [alpnNames[wanted]];
  const options = tlsConnectionOptions(host, tls, names);
  return new Promise((resolve) => {
    const socket = connectTls({ ...options, host, port });
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(
      () => finish({ state: 'unknown', reason: `no TLS connection after ${PROBE_TIMEOUT_MS} ms` }),
      PROBE_TIMEOUT_MS,
    );
    socket.once('secureConnect', () => {
      finish({ state: 'found', protocol: socket.alpnProtocol === alpnNames.grpc ? 'grpc' : 'http' });
    });
    socket.once('error', (fault) => finish({ state: 'unknown', reason: reasonOf(fault) }));
    socket.once('close', () =>
      finish({ state: 'unknown', reason: 'the server closed the connection in its handshake' }),
    );
  });
}

const reasonOf = (fault: Error): string =>
  systemCodeOf(fault) === 'ECONNREFUSED' ? 'connection refused' : (describeTlsFault(fault) ?? fault.message);

function splitEndpoint(hostPort: string): { host: string; port: number } {
  const colon = hostPort.lastIndexOf(':');
  return { host: hostPort.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(hostPort.slice(colon + 1)) };
}

function protocolOf(bytes: Buffer): Protocol | undefined {
  if (bytes.subarray(0, 5).toString('latin1') === 'HTTP/') return 'http';
  const isSettings = bytes.length >= FRAME_HEADER_BYTES && bytes[3] === SETTINGS_TYPE && bytes.readUInt32BE(5) === 0;
  return isSettings ? 'grpc' : undefined;
}

type Exchanged =
  | { readonly state: 'done'; readonly bytes: Buffer }
  | { readonly state: 'failed'; readonly reason: string };

/** Sends `bytes` and returns the first bytes of the answer; none when the peer hangs up or says nothing in time. */
function exchangeBytes(hostPort: string, bytes: Buffer): Promise<Exchanged> {
  return new Promise((resolve) => {
    let isConnected = false;
    let received = Buffer.alloc(0);
    const socket = connect(splitEndpoint(hostPort));
    const finish = (result: Exchanged): void => {
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => {
      const reason = `no connection after ${PROBE_TIMEOUT_MS} ms`;
      finish(isConnected ? { state: 'done', bytes: received } : { state: 'failed', reason });
    }, PROBE_TIMEOUT_MS);
    socket.on('connect', () => {
      isConnected = true;
      socket.write(bytes);
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= FRAME_HEADER_BYTES) finish({ state: 'done', bytes: received });
    });
    socket.on('error', (fault) => {
      const reason = systemCodeOf(fault) === 'ECONNREFUSED' ? 'connection refused' : fault.message;
      finish(isConnected ? { state: 'done', bytes: received } : { state: 'failed', reason });
    });
    socket.on('close', () => {
      clearTimeout(timer);
      finish({ state: 'done', bytes: received });
    });
  });
}
