/** The ways of sending that `--compare-clients` sets side by side: one row each. */
import type { ClientKind } from '../client/infer-client.js';
import type { Protocol } from '../kserve/protocol.js';

export interface ClientPath {
  /** As records name it. */
  readonly path: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly client: ClientKind;
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
  { path: 'http', title: 'HTTP/1.1, binary tensors', protocol: 'http', client: 'http' },
];

export interface UsablePath extends ClientPath {
  /** `host:port` that speaks the path's protocol. */
  readonly endpoint: string;
}
