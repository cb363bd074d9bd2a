/**
 * A gRPC channel for measuring: one connection, plain or TLS, large messages and flow-control windows, no retries, no
 * proxy. Messages are bytes on both sides; who encodes them is not known here.
 */
import {
  compressionAlgorithms as algorithmNumbers,
  Channel,
  type ChannelCredentials,
  type ChannelInterface,
  type ChannelOptions,
  connectivityState,
  credentials,
  type InterceptingListener,
  Metadata,
  type StatusObject,
  status as statusCode,
} from '@grpc/grpc-js';
import { PerfTsError } from '../common/errors.js';
import { checkHeaders } from './grpc-wire/request-fields.js';
import type { Compression, TlsOptions } from './infer-client.js';
import { readTlsFiles } from './tls-files.js';

/** A host that has not accepted a connection after this long counts as unreachable. */
export const CONNECT_TIMEOUT_MS = 5000;

const WINDOW_BYTES = 16 * 2 ** 20;

const compressionAlgorithms = { deflate: algorithmNumbers.deflate, gzip: algorithmNumbers.gzip } as const;

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // A small window makes the server wait for this side's WINDOW_UPDATE, which would be measured as latency.
  'grpc-node.flow_control_window': WINDOW_BYTES,
  // A retry inside the channel would hide a failure and add its time to one request.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
};

export type GrpcCall = ReturnType<ChannelInterface['createCall']>;
export type { ChannelInterface as GrpcChannel };

export interface ChannelSettings {
  /** Left out: plain text. */
  readonly tls?: TlsOptions | undefined;
  /** Of every message that is sent. */
  readonly compression?: Compression | undefined;
}

/** A channel to `host:port` that connects at the first call. Throws PerfTsError BAD_FILE for the files of `tls`. */
export const createGrpcChannel = (endpoint: string, settings: ChannelSettings = {}): ChannelInterface =>
  grpcChannelMaker(endpoint, settings)();

/** Makes any number of such channels; files are read once. */
export function grpcChannelMaker(endpoint: string, { tls, compression = 'none' }: ChannelSettings): () => Channel {
  const security = tls === undefined ? credentials.createInsecure() : tlsCredentials(tls);
  const options: ChannelOptions = {
    ...channelOptions,
    ...(compression === 'none' ? {} : { 'grpc.default_compression_algorithm': compressionAlgorithms[compression] }),
  };
  return () => new Channel(`dns:${endpoint}`, security, options);
}

function tlsCredentials(tls: TlsOptions): ChannelCredentials {
  const { roots, privateKey, certificateChain, verifiesPeer, verifiesHost } = readTlsFiles(tls);
  return credentials.createSsl(roots ?? null, privateKey ?? null, certificateChain ?? null, {
    rejectUnauthorized: verifiesPeer,
    ...(verifiesHost ? {} : { checkServerIdentity: () => undefined }),
  });
}

/** As gRPC metadata; values of `-bin` names are given in base64. Throws PerfTsError BAD_OPTION for what gRPC cannot carry. */
export function metadataOf(headers: Readonly<Record<string, string>> = {}): Metadata {
  checkHeaders(headers);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  return metadata;
}

/** Connects; throws PerfTsError TARGET_UNREACHABLE when the endpoint cannot be reached or does not speak gRPC. */
export async function connectGrpcChannel(channel: ChannelInterface, endpoint: string): Promise<void> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  let state = channel.getConnectivityState(true);
  while (state !== connectivityState.READY) {
    const seen = state;
    const isLate = await new Promise<boolean>((resolve) => {
      channel.watchConnectivityState(seen, deadline, (fault) => resolve(fault !== undefined));
    });
    state = channel.getConnectivityState(true);
    if (isLate || state === connectivityState.TRANSIENT_FAILURE) throw unreachableByGrpc(endpoint);
  }
}

export function unreachableByGrpc(endpoint: string, cause?: unknown): PerfTsError {
  const hint = "check that the server is up and that this is its gRPC port (Triton's is 8001), or use -i http";
  return new PerfTsError('TARGET_UNREACHABLE', { what: 'nothing answers gRPC here', where: endpoint, hint }, cause);
}

const noMetadata = new Metadata();

/** Sends one unary request; `listener` gets the answer's message and, last, its status. */
export function startUnaryCall(
  channel: ChannelInterface,
  path: string,
  message: Buffer,
  listener: InterceptingListener,
  metadata: Metadata = noMetadata,
): GrpcCall {
  const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
  call.start(metadata, listener);
  call.startRead();
  call.sendMessageWithContext({}, message);
  call.halfClose();
  return call;
}

/** How a unary call ended; `message` is there when `code` is 0. */
export interface UnaryAnswer {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer | undefined;
}

/** One unary exchange; never rejects. Past `timeoutMs` it ends with DEADLINE_EXCEEDED. */
export function callUnary(
  channel: ChannelInterface,
  path: string,
  message: Uint8Array,
  timeoutMs: number,
  metadata?: Metadata,
): Promise<UnaryAnswer> {
  return new Promise((resolve) => {
    let received: Buffer | undefined;
    const listener: InterceptingListener = {
      onReceiveMetadata() {},
      onReceiveMessage(bytes: Buffer) {
        received = bytes;
      },
      onReceiveStatus({ code, details }: StatusObject) {
        clearTimeout(timer);
        resolve({ code, details, message: received });
      },
    };
    const call = startUnaryCall(channel, path, toBuffer(message), listener, metadata);
    const timer = setTimeout(() => {
      call.cancelWithStatus(statusCode.DEADLINE_EXCEEDED, `no answer after ${timeoutMs} ms`);
    }, timeoutMs);
  });
}

/** The same bytes as a Buffer, without a copy. */
export const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
