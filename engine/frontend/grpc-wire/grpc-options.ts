/** tritonserver's options of the gRPC front end beside its address: TLS, compression, keepalive and age of connections. */
import { type OptionValues, optional, toggle, withDefault } from '../../../src/common/option-row.js';
import { parseChoice, parseInteger, parseText } from '../../../src/common/value-parsers.js';
import type { WireLimits } from './wire-limits.js';

const group = 'gRPC connections';
/** Node's timers reach this far. */
const parseMs = parseInteger(1, 2 ** 31 - 1);

export const grpcOptionRows = {
  grpcUseSsl: toggle({ flag: 'grpc-use-ssl', defaultText: 'false', help: 'gRPC over TLS', group }),
  grpcUseSslMutual: toggle({
    flag: 'grpc-use-ssl-mutual',
    defaultText: 'false',
    help: 'gRPC over TLS for clients with a certificate that --grpc-root-cert has signed',
    group,
  }),
  grpcServerCert: optional({
    flag: 'grpc-server-cert',
    placeholder: 'FILE',
    help: "the server's certificate, PEM",
    group,
    parse: parseText,
  }),
  grpcServerKey: optional({
    flag: 'grpc-server-key',
    placeholder: 'FILE',
    help: "the key of the server's certificate, PEM without a passphrase",
    group,
    parse: parseText,
  }),
  grpcRootCert: optional({
    flag: 'grpc-root-cert',
    placeholder: 'FILE',
    help: 'whose certificates clients must have with --grpc-use-ssl-mutual, PEM',
    group,
    parse: parseText,
  }),
  grpcInferResponseCompressionLevel: withDefault({
    flag: 'grpc-infer-response-compression-level',
    placeholder: 'none|low|medium|high',
    defaultText: 'none',
    help: 'compress inference answers where the client takes it: low with gzip, medium and high with deflate',
    group,
    parse: parseChoice('none', 'low', 'medium', 'high'),
  }),
  grpcKeepaliveTime: withDefault({
    flag: 'grpc-keepalive-time',
    placeholder: 'MILLISECONDS',
    defaultText: '7200000',
    help: 'silence after which a client is asked by a PING whether it is still there',
    group,
    parse: parseMs,
  }),
  grpcKeepaliveTimeout: withDefault({
    flag: 'grpc-keepalive-timeout',
    placeholder: 'MILLISECONDS',
    defaultText: '20000',
    help: 'how long the answer to that PING may take before the connection is closed',
    group,
    parse: parseMs,
  }),
  grpcKeepalivePermitWithoutCalls: toggle({
    flag: 'grpc-keepalive-permit-without-calls',
    defaultText: 'false',
    help: 'keepalive also while a connection has no call open',
    group,
  }),
  grpcHttp2MaxPingsWithoutData: withDefault({
    flag: 'grpc-http2-max-pings-without-data',
    placeholder: 'COUNT',
    defaultText: '2',
    help: 'PINGs sent in a row while there is no answer to send; 0 for any number',
    group,
    parse: parseInteger(0),
  }),
  grpcHttp2MinRecvPingIntervalWithoutData: withDefault({
    flag: 'grpc-http2-min-recv-ping-interval-without-data',
    placeholder: 'MILLISECONDS',
    defaultText: '300000',
    help: 'a PING of a client that comes sooner after its last one, with no answer sent between, is a strike',
    group,
    parse: parseInteger(0),
  }),
  grpcHttp2MaxPingStrikes: withDefault({
    flag: 'grpc-http2-max-ping-strikes',
    placeholder: 'COUNT',
    defaultText: '2',
    help: 'strikes that are forgiven before the connection is closed; 0 for any number',
    group,
    parse: parseInteger(0),
  }),
  grpcMaxConnectionAge: optional({
    flag: 'grpc-max-connection-age',
    placeholder: 'MILLISECONDS',
    help: 'age at which a connection is drained, give or take a tenth; its client connects anew',
    group,
    parse: parseMs,
  }),
  grpcMaxConnectionAgeGrace: optional({
    flag: 'grpc-max-connection-age-grace',
    placeholder: 'MILLISECONDS',
    help: 'how long calls of such a connection may still take',
    group,
    parse: parseMs,
  }),
};

export type GrpcOptions = OptionValues<typeof grpcOptionRows>;

/** gRPC says 0 where there is no limit. */
const limitOf = (count: number): number | undefined => (count === 0 ? undefined : count);

/** What of the options is a limit of the connections. */
export const limitsOf = (options: GrpcOptions): Partial<WireLimits> => ({
  keepalive: {
    timeMs: options.grpcKeepaliveTime,
    timeoutMs: options.grpcKeepaliveTimeout,
    permitsWithoutCalls: options.grpcKeepalivePermitWithoutCalls,
    maxPingsWithoutData: limitOf(options.grpcHttp2MaxPingsWithoutData),
    minReceivedPingIntervalMs: options.grpcHttp2MinRecvPingIntervalWithoutData,
    maxPingStrikes: limitOf(options.grpcHttp2MaxPingStrikes),
  },
  maxConnectionAgeMs: options.grpcMaxConnectionAge,
  maxConnectionAgeGraceMs: options.grpcMaxConnectionAgeGrace,
});
