/** The ways of sending that `--compare-clients` sets side by side: one row each. */
import type { ClientKind, Compression } from '../client/infer-client.js';
import type { Protocol } from '../kserve/protocol.js';

export interface ClientPath {
  /** As records name it. */
  readonly path: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly client: ClientKind;
  /** Of requests; none by default. */
  readonly compression?: Compression;
  /** Tensors lie in memory that the server on this host shares; false by default. */
  readonly sharesMemory?: boolean;
}

export const clientPaths: readonly ClientPath[] = [
  { path: 'grpc-wire', title: 'gRPC, own HTTP/2 client', protocol: 'grpc', client: 'grpc-wire' },
  { path: 'grpc-js', title: 'gRPC, @grpc/grpc-js, one channel', protocol: 'grpc', client: 'grpc-js' },
  {
    path: 'grpc-js-new-channel',
    title: 'gRPC, @grpc/grpc-js, new channel a request',
    protocol: 'grpc',
    client: 'grpc-js-new-channel',
  },
  {
    path: 'grpc-js-gzip',
    title: 'gRPC, @grpc/grpc-js, gzip',
    protocol: 'grpc',
    client: 'grpc-js',
    compression: 'gzip',
  },
  {
    path: 'grpc-wire-shared-memory',
    title: 'gRPC, own HTTP/2 client, tensors in shared memory',
    protocol: 'grpc',
    client: 'grpc-wire',
    sharesMemory: true,
  },
  { path: 'http', title: 'HTTP/1.1, binary tensors', protocol: 'http', client: 'http' },
  { path: 'http-gzip', title: 'HTTP/1.1, binary tensors, gzip', protocol: 'http', client: 'http', compression: 'gzip' },
  {
    path: 'http-shared-memory',
    title: 'HTTP/1.1, tensors in shared memory',
    protocol: 'http',
    client: 'http',
    sharesMemory: true,
  },
];

export interface UsablePath extends ClientPath {
  /** `host:port` that speaks the path's protocol. */
  readonly endpoint: string;
}
