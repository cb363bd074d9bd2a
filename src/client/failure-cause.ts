/** Turns a failed exchange into a short cause that repeats, so that failures can be counted by it. */
import { messageOf, PerfTsError } from '../common/errors.js';
import type { InferResponseMessage } from '../kserve/infer-codec.js';
import { httpStatusOf, type StatusName, statusCodes } from '../kserve/status.js';
import type { Tensor } from '../kserve/tensor.js';

const MAX_LENGTH = 300;

/** Of an answer that looked good and is no inference response. */
export const MALFORMED_CAUSE = 'INTERNAL: malformed answer';

/** Begins the cause of a request that failed for want of something on this side. */
export const OWN_LIMIT = 'CLIENT_LIMIT';

/** What this host did not give its own client, with what to do. */
const ownLimits: readonly [pattern: RegExp, text: string][] = [
  [/\bEMFILE\b/, 'no file descriptor left (EMFILE); raise the limit with ulimit -n, or send fewer requests at once'],
  [/\bENFILE\b/, 'the host has no file descriptor left (ENFILE); close other programs'],
  [/\bEADDRNOTAVAIL\b/, 'no local port left (EADDRNOTAVAIL); use fewer connections, or widen ip_local_port_range'],
  [
    /\b(ENOMEM|ENOBUFS)\b/,
    'no memory left for a connection (ENOMEM); close other programs, or send fewer requests at once',
  ],
];

const statusNames = Object.keys(statusCodes) as StatusName[];

/** gRPC codes that inference servers do not send themselves but proxies and gRPC libraries do. */
const otherGrpcNames: Readonly<Record<number, string>> = {
  7: 'PERMISSION_DENIED',
  9: 'FAILED_PRECONDITION',
  10: 'ABORTED',
  11: 'OUT_OF_RANGE',
  15: 'DATA_LOSS',
  16: 'UNAUTHENTICATED',
};

/** Name of a gRPC status code. */
export const grpcStatusName = (code: number): string =>
  statusNames.find((name) => statusCodes[name] === code) ?? otherGrpcNames[code] ?? `STATUS ${code}`;

/** The gRPC status name that stands for an HTTP status; `HTTP 418` for one that has none. */
export function httpStatusName(status: number): string {
  if (status === 503) return 'UNAVAILABLE';
  if (status === 500) return 'INTERNAL';
  return statusNames.find((name) => httpStatusOf(name) === status) ?? `HTTP ${status}`;
}

const connectionFaults: readonly [pattern: RegExp, text: string][] = [
  [/ECONNREFUSED/, 'connection refused'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, 'host name not found'],
  [/ECONNRESET|EPIPE|other side closed|UND_ERR_SOCKET|Connection dropped|GOAWAY/, 'connection lost'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/, 'host does not answer'],
];

/**
 * `STATUS_NAME: message`, at most 300 characters of one line. Request ids, long numbers and addresses are taken out,
 * because they would make a cause of its own of every request.
 */
export function describeCause(statusName: string, details: string): string {
  const own = statusName === 'UNAVAILABLE' ? ownLimits.find(([pattern]) => pattern.test(details))?.[1] : undefined;
  if (own !== undefined) return `${OWN_LIMIT}: ${own}`;
  const fault = findConnectionFault(statusName, details);
  if (fault !== undefined) return `${statusName}: ${fault}`;
  const line = (details.trim().split('\n', 1)[0] ?? '')
    .replace(/\[request id: [^\]]*\]\s*/g, '')
    .replace(/\b0x[0-9a-f]+\b/gi, '#')
    .replace(/\d{5,}/g, '#')
    .replace(/\bidx=-?\d+/g, 'idx=#')
    .replace(/\s+/g, ' ');
  const text = line === '' ? statusName : `${statusName}: ${line}`;
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
}

/** What happened to the connection, if `details` of an UNAVAILABLE speak of one. */
export function findConnectionFault(statusName: string, details: string): string | undefined {
  if (statusName !== 'UNAVAILABLE') return undefined;
  return connectionFaults.find(([pattern]) => pattern.test(details))?.[1];
}

/** The fault of a target that did not answer a single inference: gone, too slow, or saying no. */
export function refusedInference(endpoint: string, model: string, statusName: string, details: string): PerfTsError {
  const isGone = statusName === 'DEADLINE_EXCEEDED' || findConnectionFault(statusName, details) !== undefined;
  const what = `a request to model ${model} failed: ${describeCause(statusName, details)}`;
  return isGone
    ? new PerfTsError('TARGET_UNREACHABLE', {
        what,
        where: endpoint,
        hint: 'check that the server is up and answers in time',
      })
    : new PerfTsError('TARGET_REFUSED', { what, where: endpoint });
}

/** The fault of a server that answered an administrative question with an error; `what` names the question. */
export function refusedAnswer(endpoint: string, what: string, statusName: string, details: string): PerfTsError {
  const problem = { what: `${what}: ${describeCause(statusName, details)}`, where: endpoint };
  const hint = 'check the name given with -m against the models that this server has loaded';
  const isUnknown = statusName === 'NOT_FOUND' || /unknown model|not available|not found/i.test(details);
  return new PerfTsError('TARGET_REFUSED', isUnknown ? { ...problem, hint } : problem);
}

/** The outputs that `decode` finds in an answer; throws PerfTsError TARGET_REFUSED when the bytes are not an inference response. */
export function readAnswer(endpoint: string, decode: () => InferResponseMessage): readonly Tensor[] {
  try {
    return decode().outputs;
  } catch (cause) {
    const what = `the answer is not an inference response of KServe v2: ${messageOf(cause)}`;
    throw new PerfTsError('TARGET_REFUSED', { what, where: endpoint }, cause);
  }
}
