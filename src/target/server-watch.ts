/**
 * Notices that a server has gone while it is under load. Failed requests alone say nothing of that: too much load fails
 * them too. So once no request succeeds any more the server is asked, beside the load, whether it is there.
 */
import { connect } from 'node:net';
import type { ServerAdmin } from '../client/server-admin.js';
import { systemClock } from '../common/clock.js';
import { PerfTsError, systemCodeOf } from '../common/errors.js';
import { formatDuration } from '../common/format.js';
import { elapsed, type Instant, millis, type Nanos, nanos, seconds } from '../common/units.js';

/** As a record has them: a stable name, and a sentence. */
export interface WatchNote {
  readonly code: string;
  readonly message: string;
}

/** Counts of the running level, as they grow. */
export interface ObservedLoad {
  readonly levelIndex: number;
  readonly errorCount: number;
  /** When the newest good response was received; undefined where that is long ago. */
  readonly lastSuccess?: Instant | undefined;
  readonly latencyP99Ns?: number | undefined;
}

export interface ServerWatch {
  /** To be told a few times a second while load is sent. */
  observe(load: ObservedLoad): void;
  /** Rejects with PerfTsError TARGET_UNREACHABLE when the server has gone; never resolves. */
  readonly gone: Promise<never>;
  /** Resolves when there is no doubt left whether the server is there; rejects as `gone`. To be called when load has ended. */
  settle(): Promise<void>;
  /** Of a server that was away and came back. */
  warnings(): readonly WatchNote[];
  close(): void;
}

export type Presence = 'ready' | 'refused' | 'not-ready' | 'silent' | 'unknown';

export interface ServerWatchOptions {
  readonly admin: Pick<ServerAdmin, 'endpoint' | 'isServerReady'>;
  /** For tests. */
  readonly look?: () => Promise<Presence>;
  readonly now?: () => Instant;
}

const LOOK_INTERVAL = millis(250);
/** While the server says that it is ready, it is asked this rarely. */
const CALM_INTERVAL = seconds(1);
/** Without a success and without a failure, a slow server is more likely than one that has gone. */
const QUIET = seconds(2);
const LOOK_TIMEOUT_MS = 2000;
/** A server that is started again within this time was only away. */
const REFUSED_GRACE = seconds(2);
/** One that takes connections and says nothing, or says that it is not ready, may be busy. */
const SILENT_GRACE = seconds(5);
const GRACE_PER_LATENCY = 3;

export function watchServer(options: ServerWatchOptions): ServerWatch {
  const { admin, now = () => systemClock.now() } = options;
  const look = options.look ?? (() => lookAt(admin));
  let begun: Instant | undefined;
  let last: ObservedLoad | undefined;
  let lastSuccess: Instant | undefined;
  let slowestNs = 0;
  let absentSince: Instant | undefined;
  let lastPresence: Presence = 'ready';
  let looking: Promise<void> | undefined;
  let readyAt: Instant | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const outages: { readonly fromNs: Nanos; readonly forNs: Nanos }[] = [];
  let reject: (fault: PerfTsError) => void = () => undefined;
  const gone = new Promise<never>((_, rejectGone) => {
    reject = rejectGone;
  });
  gone.catch(() => undefined);

  const isBack = (): void => {
    if (absentSince !== undefined && begun !== undefined && lastPresence === 'refused')
      outages.push({ fromNs: elapsed(begun, absentSince), forNs: elapsed(absentSince, now()) });
    absentSince = undefined;
  };

  const judge = (presence: Presence): void => {
    const at = now();
    if (presence === 'ready' || presence === 'unknown') {
      if (presence === 'ready') readyAt = at;
      isBack();
      return;
    }
    lastPresence = presence;
    absentSince ??= lastSuccess ?? at;
    const grace = presence === 'refused' ? REFUSED_GRACE : nanos(Math.max(SILENT_GRACE, GRACE_PER_LATENCY * slowestNs));
    // A server that never answered this load cannot have stopped to.
    const hasServed = lastSuccess !== undefined || presence === 'refused';
    if (!hasServed || elapsed(absentSince, at) < grace) return;
    isClosed = true;
    reject(describeGone(admin.endpoint, presence, elapsed(begun ?? absentSince, absentSince)));
  };

  const startLooking = (): void => {
    if (looking !== undefined || isClosed) return;
    looking = (async () => {
      while (!isClosed) {
        const presence = await look().catch((): Presence => 'unknown');
        if (isClosed) break;
        judge(presence);
        if (absentSince === undefined || isClosed) break;
        await new Promise<void>((resolve) => {
          timer = setTimeout(resolve, LOOK_INTERVAL / 1e6);
        });
      }
    })().finally(() => {
      looking = undefined;
    });
  };

  const isDoubtful = (load: ObservedLoad): boolean => {
    const at = now();
    if (readyAt !== undefined && elapsed(readyAt, at) < CALM_INTERVAL) return false;
    const hasFailures = last?.levelIndex === load.levelIndex ? load.errorCount > last.errorCount : load.errorCount > 0;
    return hasFailures || elapsed(lastSuccess ?? begun ?? at, at) > QUIET;
  };

  return {
    gone,
    observe(load) {
      begun ??= now();
      const hasSucceeded = load.lastSuccess !== undefined && load.lastSuccess > (lastSuccess ?? 0);
      if (hasSucceeded) {
        lastSuccess = load.lastSuccess;
        slowestNs = Math.max(slowestNs, load.latencyP99Ns ?? 0);
        isBack();
      } else if (isDoubtful(load)) startLooking();
      last = load;
    },
    async settle() {
      // Failures are counted late, and those that a level ended with are not told at all.
      const isDoubted = begun !== undefined && elapsed(lastSuccess ?? begun, now()) > LOOK_INTERVAL;
      if (isDoubted) startLooking();
      await Promise.race([looking, gone]);
    },
    warnings: () => outages.map(describeOutage),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Whether the server stays away for `limit`; a supervisor may start it again in that time. */
export async function staysAway(
  admin: ServerWatchOptions['admin'],
  limit: Nanos,
  signal: AbortSignal,
): Promise<boolean> {
  const begun = systemClock.now();
  while (!signal.aborted) {
    const presence = await lookAt(admin);
    if (presence === 'ready' || presence === 'unknown') return false;
    if (elapsed(begun, systemClock.now()) >= limit) return true;
    await systemClock.sleep(LOOK_INTERVAL, signal);
  }
  return false;
}

/** A connection of its own, because a client that has been refused waits before it tries again. */
async function lookAt(admin: ServerWatchOptions['admin']): Promise<Presence> {
  const reached = await tryConnect(admin.endpoint);
  if (reached !== 'connected') return reached;
  const isReady = await Promise.race([
    admin.isServerReady(),
    new Promise<undefined>((resolve) => setTimeout(resolve, LOOK_TIMEOUT_MS, undefined).unref()),
  ]);
  if (isReady === undefined) return 'silent';
  return isReady ? 'ready' : 'not-ready';
}

function tryConnect(endpoint: string): Promise<'connected' | Presence> {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((settle) => {
    const socket = connect({ host, port: Number(endpoint.slice(colon + 1)) });
    const finish = (found: 'connected' | Presence): void => {
      socket.destroy();
      settle(found);
    };
    socket.setTimeout(LOOK_TIMEOUT_MS, () => finish('silent'));
    socket.once('connect', () => finish('connected'));
    // Only what says something of the server: the rest, such as EMFILE, is this side's.
    socket.once('error', (fault) => finish(refusals.has(codeOf(fault)) ? 'refused' : 'unknown'));
  });
}

const refusals = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND']);

/** Of several addresses that were tried, the first one's. */
const codeOf = (fault: Error): string =>
  (fault instanceof AggregateError ? systemCodeOf(fault.errors[0]) : systemCodeOf(fault)) ?? '';

const signs: Readonly<Record<'refused' | 'not-ready' | 'silent', string>> = {
  refused: 'connections are refused',
  'not-ready': 'it answers no request and is not ready',
  silent: 'it takes connections and answers nothing',
};

function describeGone(endpoint: string, presence: 'refused' | 'not-ready' | 'silent', after: Nanos): PerfTsError {
  return new PerfTsError('TARGET_UNREACHABLE', {
    where: endpoint,
    what: `the server went away ${formatDuration(after)} into the run: ${signs[presence]}`,
    hint: 'look at the server’s log; levels that were finished before are kept',
  });
}

const describeOutage = ({ fromNs, forNs }: { readonly fromNs: Nanos; readonly forNs: Nanos }): WatchNote => ({
  code: 'SERVER_RESTARTED',
  message: `The server was away for ${formatDuration(forNs)}, ${formatDuration(fromNs)} into the run, and came back: requests of that time failed, and what it had warmed up was lost.`,
});
