/** Reaches a server whose protocol may not be known, and says precisely why when it cannot. */
import { PerfTsError, type Problem } from '../common/errors.js';
import { isEndpoint } from '../common/value-parsers.js';
import type { Protocol } from '../kserve/protocol.js';
import { createGrpcAdmin } from './grpc-admin.js';
import { createHttpAdmin } from './http-admin.js';
import { probeProtocol } from './probe-protocol.js';
import type { CreateAdmin, ServerAccess, ServerAdmin } from './server-admin.js';

export interface AdminTarget extends ServerAccess {
  /** `host:port`. */
  readonly endpoint: string;
  /** Left out: found out by asking. */
  readonly protocol?: Protocol | undefined;
}

/** The ServerAdmin of each protocol; they connect at the first call. */
export const admins = { grpc: createGrpcAdmin, http: createHttpAdmin } satisfies Record<Protocol, CreateAdmin>;
const triton = { grpc: 8001, http: 8000 } satisfies Record<Protocol, number>;

/**
 * A connected ServerAdmin. Throws PerfTsError BAD_OPTION for a malformed endpoint, TARGET_UNREACHABLE when nothing
 * there speaks the protocol, TARGET_REFUSED when what answers is not a KServe v2 server. A server that is alive but
 * still loads models is connected to.
 */
export async function connectAdmin(target: AdminTarget): Promise<ServerAdmin> {
  const { endpoint } = target;
  if (!isEndpoint(endpoint)) {
    const hint = 'for example localhost:8001';
    throw new PerfTsError('BAD_OPTION', { what: `"${endpoint}" is not HOST:PORT`, where: '-u', hint });
  }
  const probe = await probeProtocol(endpoint, target.tls, target.protocol);
  if (probe.state === 'unknown') throw unreachable(endpoint, `no server: ${probe.reason}`, target.tls !== undefined);
  if (target.protocol !== undefined && probe.protocol !== target.protocol)
    throw wrongProtocol(endpoint, probe.protocol);
  const admin = admins[probe.protocol](endpoint, target);
  try {
    await admin.serverMetadata();
    return admin;
  } catch (fault) {
    await admin.close();
    throw fault;
  }
}

function unreachable(endpoint: string, what: string, isSecure: boolean): PerfTsError {
  if (isSecure) {
    const hint = 'check the certificate files, and that this is the port of the server that speaks TLS';
    return new PerfTsError('TARGET_UNREACHABLE', { what, where: endpoint, hint } satisfies Problem);
  }
  const hint = `tried gRPC and HTTP; start the server or name another with -u HOST:PORT (Triton's ports are ${triton.grpc} for gRPC and ${triton.http} for HTTP)`;
  return new PerfTsError('TARGET_UNREACHABLE', { what, where: endpoint, hint } satisfies Problem);
}

function wrongProtocol(endpoint: string, spoken: Protocol): PerfTsError {
  const names = { grpc: 'gRPC', http: 'HTTP' } satisfies Record<Protocol, string>;
  const other: Protocol = spoken === 'grpc' ? 'http' : 'grpc';
  const hint = `use -i ${spoken}, or the server's ${names[other]} port (Triton's is ${triton[other]})`;
  return new PerfTsError('TARGET_UNREACHABLE', {
    what: `this port speaks ${names[spoken]}, not ${names[other]}`,
    where: endpoint,
    hint,
  });
}
