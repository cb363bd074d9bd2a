/**
 * Opens the socket of a connection, plain or TLS with ALPN, and hands over what arrives. Plain sockets read into one
 * buffer that is used again for every read.
 */
import { Buffer } from 'node:buffer';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { PerfTsError } from '../../common/errors.js';
import type { TlsOptions } from '../infer-client.js';
import { tlsConnectionOptions } from '../tls-files.js';

const RECEIVE_BYTES = 65_536;
const HTTP2 = 'h2';

/** Takes `count` bytes at the beginning of `bytes`, which are overwritten by the next read. */
export type OnBytes = (bytes: Buffer, count: number) => void;

/** Where a client connects, and how. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  /** Undefined for plain text. */
  readonly tls: ConnectionOptions | undefined;
}

/** `host:port`, with an IPv6 address in brackets or bare. Throws PerfTsError BAD_OPTION; all files of `tls` are read here. */
export function readTarget(endpoint: string, tls: TlsOptions | undefined): SocketTarget {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(endpoint.slice(colon + 1));
  if (host === '' || !/^\d{1,5}$/.test(endpoint.slice(colon + 1)) || port < 1 || port > 65_535) {
    throw new PerfTsError('BAD_OPTION', { what: `'${endpoint}' is not HOST:PORT`, where: '-u' });
  }
  return { host, port, tls: tls === undefined ? undefined : tlsConnectionOptions(host, tls, [HTTP2]) };
}

export interface SocketListener {
  /** Bytes can be sent. */
  onOpen(): void;
  readonly onBytes: OnBytes;
  /** Called once. `fault` is undefined when the server closed in order. */
  onClosed(fault: Error | undefined): void;
}

/** Starts connecting; everything else is told to the listener, later. */
export function openSocket(target: SocketTarget, listener: SocketListener): Socket {
  const socket = target.tls === undefined ? openPlain(target, listener) : openTls(target, target.tls, listener);
  let fault: Error | undefined;
  socket.setNoDelay(true);
  socket.on('error', (error) => {
    fault ??= error;
  });
  socket.once('close', () => listener.onClosed(fault));
  return socket;
}

function openPlain({ host, port }: SocketTarget, { onOpen, onBytes }: SocketListener): Socket {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  const callback = (count: number): boolean => {
    onBytes(buffer, count);
    return true;
  };
  return connectPlain({ host, port, onread: { buffer, callback } }, onOpen);
}

function openTls(
  { host, port }: SocketTarget,
  options: ConnectionOptions,
  { onOpen, onBytes }: SocketListener,
): Socket {
  const socket = connectTls({ ...options, host, port }, () => {
    if (socket.alpnProtocol === HTTP2) onOpen();
    else socket.destroy(new Error('the server does not offer HTTP/2 over TLS'));
  });
  socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
  return socket;
}
