/**
 * The same load through each way of sending, in interleaved rounds: what drifts on the host hits all alike, and a path
 * is compared with the fastest of its own round. Says where the difference goes, as far as client and server can tell.
 */
import { probeProtocol } from '../client/probe-protocol.js';
import { type Clock, systemClock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import { type Nanos, nanos, seconds } from '../common/units.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { measureLevel } from '../measure/measure-level.js';
import { pairedGain } from '../measure/statistics/compare.js';
import type { LoadLevel, LoadPlan } from '../plan/load-plan.js';
import { inputBytes } from '../plan/plan.js';
import { findPeak } from '../record/best-level.js';
import type { ClientComparison, LevelRecord } from '../record/run-record.js';
import type { Target } from '../target/target.js';
import { type ClientPath, clientPaths, type UsablePath } from './client-paths.js';
import { explainDifference, meanOfRounds } from './explain-difference.js';

export interface CompareClientsOptions {
  readonly plan: LoadPlan;
  /** The same requests with their tensors in shared memory. */
  readonly sharingPlan: LoadPlan;
  readonly target: Target;
  readonly level: LoadLevel;
  readonly roundCount: number;
  readonly roundTime: Nanos;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

const ROUND_COUNT = 3;
const LONGEST_ROUND = seconds(2);

/** How often the paths take turns, and the time of each turn: never longer than a level of the run. */
export const roundsFor = ({ stopRule }: LoadPlan): Pick<CompareClientsOptions, 'roundCount' | 'roundTime'> => ({
  roundCount: ROUND_COUNT,
  roundTime: nanos(Math.min(LONGEST_ROUND, stopRule.maxDuration)),
});

/** The best of the levels that can be asked of every client: a closed loop with the run's first shapes. */
export function comparableLevel(levels: readonly LevelRecord[]): LoadLevel | undefined {
  const best = findPeak(levels.filter(({ load }) => load.kind === 'closed' && load.shapes === levels[0]?.load.shapes));
  if (best?.load.kind !== 'closed') return undefined;
  const { concurrency, batchSize } = best.load;
  return { kind: 'closed', concurrency, batchSize };
}

type RoundsByPath = ReadonlyMap<UsablePath, LevelRecord[]>;

/** A path that fails is skipped with its reason. Undefined when interrupted, or when fewer than two paths can be compared. */
export async function compareClients(options: CompareClientsOptions): Promise<ClientComparison | undefined> {
  const { plan, target, level, roundCount, say, signal } = options;
  const skipped: { path: string; reason: string }[] = [];
  const usable = await findUsablePaths(plan, target, skipped);
  const rounds: RoundsByPath = new Map(usable.map((path) => [path, []]));
  for (let round = 0; round < roundCount; round++) {
    // Each round starts with another path, so that none is always the first after a pause.
    const order = usable.map((_, index) => usable[(index + round) % usable.length]!);
    for (const path of order.filter(({ path: name }) => !skipped.some((skip) => skip.path === name))) {
      if (signal.aborted) return undefined;
      say(`Comparing clients, round ${round + 1} of ${roundCount}: ${path.title}`);
      try {
        rounds.get(path)!.push(await measurePath(path, options));
      } catch (thrown) {
        // Whatever a client does here, the levels that were measured before are worth more than the comparison.
        skipped.push({ path: path.path, reason: messageOf(thrown) });
      }
    }
  }
  if (signal.aborted) return undefined;
  const complete = [...rounds].filter(([path, levels]) => isComplete(path, levels, roundCount, skipped));
  if (complete.length < 2) {
    say('Fewer than two ways of sending could be measured here, so there is nothing to compare.');
    return undefined;
  }
  return summarize(complete, skipped, level, plan);
}

function isComplete(
  { path }: UsablePath,
  levels: readonly LevelRecord[],
  roundCount: number,
  skipped: { path: string; reason: string }[],
): boolean {
  if (skipped.some((skip) => skip.path === path)) return false;
  const isAnswered = levels.length === roundCount && levels.every(({ requestCount }) => requestCount > 0);
  if (!isAnswered) {
    skipped.push({ path, reason: 'no request was answered' });
    return false;
  }
  // Fast failures would make a path look fast.
  const failed = levels.find(({ verdict }) => verdict === 'INVALID');
  if (failed !== undefined) skipped.push({ path, reason: failed.warnings[0]?.message ?? 'a round was INVALID' });
  return failed === undefined;
}

/** Paths whose protocol the target speaks; the others go to `skipped`. */
async function findUsablePaths(
  plan: LoadPlan,
  target: Target,
  skipped: { path: string; reason: string }[],
): Promise<UsablePath[]> {
  const other = target.otherEndpoint ?? (await findNeighbour(target));
  return clientPaths.flatMap((path: ClientPath): UsablePath[] => {
    const endpoint = path.protocol === target.protocol ? target.endpoint : other;
    const reason =
      endpoint === undefined
        ? `no ${path.protocol === 'http' ? 'HTTP' : 'gRPC'} port is known: ${target.endpoint} speaks ${target.protocol}, and the port beside it does not answer`
        : plan.tls !== undefined && path.client !== plan.client
          ? 'the run uses TLS, which is compared for its own client only'
          : undefined;
    if (reason !== undefined) skipped.push({ path: path.path, reason });
    return reason === undefined && endpoint !== undefined ? [{ ...path, endpoint }] : [];
  });
}

/** Triton and its kin serve HTTP one port below gRPC. */
async function findNeighbour({ endpoint, protocol }: Target): Promise<string | undefined> {
  const colon = endpoint.lastIndexOf(':');
  const port = Number(endpoint.slice(colon + 1)) + (protocol === 'grpc' ? -1 : 1);
  const neighbour = `${endpoint.slice(0, colon)}:${port}`;
  const probed = await probeProtocol(neighbour);
  return probed.state === 'found' && probed.protocol !== protocol ? neighbour : undefined;
}

/** The run's own compression and shared memory are left out: each path says itself how it sends. */
function planOfPath(path: UsablePath, { plan, sharingPlan }: CompareClientsOptions): LoadPlan {
  const { compression: _, sharedMemory: __, keepsTensors: ____, ...plain } = plan;
  const { endpoint, protocol, client, compression, sharesMemory } = path;
  const { compression: ___, keepsTensors: _____, ...sharing } = sharingPlan;
  return {
    ...(sharesMemory === true ? sharing : plain),
    endpoint,
    protocol,
    client,
    ...(compression && { compression }),
  };
}

async function measurePath(path: UsablePath, options: CompareClientsOptions): Promise<LevelRecord> {
  const { target, level, roundTime, signal, clock = systemClock } = options;
  const plan = planOfPath(path, options);
  const [first] = plan.models;
  if (first === undefined) throw new Error('a plan without models');
  const pool = await startLoadWorkers(plan);
  try {
    return await measureLevel({
      pool,
      admin: target.admin,
      model: first.model,
      modelVersion: first.modelVersion,
      ...(plan.models.length > 1 && { models: plan.models }),
      level,
      rule: {
        minDuration: roundTime,
        maxDuration: roundTime,
        targetHalfWidth: plan.stopRule.targetHalfWidth,
      },
      maxErrorRatio: plan.maxErrorRatio,
      clock,
      signal,
    });
  } finally {
    await pool.close();
  }
}

function summarize(
  complete: readonly (readonly [UsablePath, readonly LevelRecord[]])[],
  skipped: ClientComparison['skipped'],
  level: LoadLevel,
  plan: LoadPlan,
): ClientComparison {
  const paths = complete.map(([path, levels]) => ({ path, levels, mean: meanOfRounds(levels) }));
  const fastest = paths.reduce((best, next) => (next.mean.requestsPerSec > best.mean.requestsPerSec ? next : best));
  return {
    load: paths[0]!.levels[0]!.load,
    roundCount: fastest.levels.length,
    fastest: fastest.path.path,
    paths: paths.map(({ path, levels, mean }) => ({
      path: path.path,
      title: path.title,
      ...mean,
      throughputRatio: pairedGain(
        levels.map((own, round) => ({
          baseline: fastest.levels[round]!.requestsPerSec,
          candidate: own.requestsPerSec,
        })),
      ),
      requestBytes: requestBytes(plan, level),
      explanation: path === fastest.path ? '' : explainDifference(mean, fastest.mean),
    })),
    skipped: [...skipped],
  };
}

/** Bytes of the tensors in one request; null where the requests differ from one another. */
function requestBytes({ models }: LoadPlan, { batchSize, shapeIndex = 0 }: LoadLevel): number | null {
  const [model, ...others] = models;
  const inputs = model?.shapeVariants[shapeIndex];
  if (model === undefined || inputs === undefined || others.length > 0) return null;
  const rows = model.hasBatchDimension ? batchSize : 1;
  return inputs.reduce((sum, input) => sum + inputBytes(input), 0) * rows;
}
