/**
 * The same model under the same load on several builds and providers, in interleaved rounds: what drifts on the host
 * hits all alike. Each turn is a fresh engine, so the intervals hold what differs from one start to the next. How a pair
 * is served and asked is injected; nothing here knows of servers.
 */
import type { AccuracyMetrics } from '../check/accuracy.js';
import type { Clock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import { elapsed, type Instant, type Nanos, nanos, seconds } from '../common/units.js';
import type { LevelRecord } from '../record/run-record.js';
import { type ChosenPair, isReference } from './choose-pairs.js';
import type { ComparedPair, PairRound } from './runtime-comparison.js';
import { type PairLog, summarizePair } from './summarize-pair.js';

const SHORTEST_LEVEL = seconds(1);
const LONGEST_LEVEL = seconds(10);
/** Starting and stopping an engine, before any was seen. */
const FIRST_OVERHEAD = seconds(3);

/** A pair that is being served. */
export interface ServedPair {
  readonly loadTimeNs: number | null;
  readonly nodes: Readonly<Record<string, number>> | null;
  measure(duration: Nanos, signal: AbortSignal): Promise<LevelRecord>;
  /** Rejects when the answers cannot be had or compared. */
  compareAnswers(signal: AbortSignal): Promise<AccuracyMetrics>;
  close(): Promise<void>;
}

export type UsablePair = Extract<ChosenPair, { readonly libraryPath: string }>;

export interface CompareRuntimesOptions {
  readonly pairs: readonly ChosenPair[];
  readonly roundCount: number;
  /** For all turns; the first round is made whole even if that takes longer. */
  readonly budget: Nanos;
}

export interface CompareRuntimesDependencies {
  serve(pair: UsablePair, round: number, signal: AbortSignal): Promise<ServedPair>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onTurn(turn: { readonly round: number; readonly pair: ChosenPair; readonly left: Nanos }): void;
  onTurnEnd(pair: ChosenPair, outcome: PairRound | string): void;
}

/** A pair that fails is a result with its reason and is not tried again. An interrupt gives what was finished. */
export async function compareRuntimes(
  options: CompareRuntimesOptions,
  dependencies: CompareRuntimesDependencies,
): Promise<ComparedPair[]> {
  const { clock, signal } = dependencies;
  const logs = options.pairs.map(
    (pair): PairLog => ({ pair, rounds: new Map(), accuracy: null, nodes: null, reason: pair.refusal ?? null }),
  );
  const pace = createPace(clock, options.budget);
  for (let round = 0; round < options.roundCount && !signal.aborted; round++) {
    const running = logs.filter(({ reason }) => reason === null);
    if (round > 0 && !pace.hasTimeFor(running.length)) break;
    // Each round starts with another pair, so that none is always the first after a pause.
    const order = running.map((_, index) => running[(index + round) % running.length]!);
    for (const [index, log] of order.entries()) {
      if (signal.aborted) break;
      const turnsLeft = (options.roundCount - round - 1) * running.length + (order.length - index);
      dependencies.onTurn({ round, pair: log.pair, left: pace.left() });
      await takeTurn(log, round, pace.levelTime(turnsLeft), pace, dependencies);
    }
  }
  const reference = logs.find(({ pair }) => isReference(pair));
  return logs.map((log) => summarizePair(log, reference));
}

async function takeTurn(
  log: PairLog,
  round: number,
  duration: Nanos,
  pace: Pace,
  { serve, clock, signal, onTurnEnd }: CompareRuntimesDependencies,
): Promise<void> {
  const started = clock.now();
  let measured = 0;
  let served: ServedPair | undefined;
  let outcome: PairRound | string;
  try {
    served = await serve(log.pair as UsablePair, round, signal);
    log.nodes ??= served.nodes;
    if (round === 0) log.accuracy = await served.compareAnswers(signal);
    const begun = clock.now();
    outcome = roundOf(await served.measure(duration, signal), served.loadTimeNs);
    measured = elapsed(begun, clock.now());
  } catch (thrown) {
    outcome = messageOf(thrown);
  }
  // A server that failed may also fail to stop, which adds nothing.
  await served?.close().catch(() => undefined);
  if (signal.aborted) return;
  pace.note(started, measured);
  if (typeof outcome === 'string') log.reason = outcome;
  else log.rounds.set(round, outcome);
  onTurnEnd(log.pair, outcome);
}

/** The level as a round, or why it is none. */
function roundOf(level: LevelRecord, loadTimeNs: number | null): PairRound | string {
  const { latencyNs, throughputPerSec, requestCount, verdict, isClientLimited, errors, warnings } = level;
  if (latencyNs === null || requestCount === 0 || throughputPerSec.value <= 0 || verdict === 'INVALID') {
    const causes = Object.entries(errors).map(([cause, count]) => `${count} x ${cause}`);
    const said = [...warnings.map(({ message }) => message), ...causes];
    return said.length === 0 ? 'no request was answered in its time: give a longer --budget' : said.join('; ');
  }
  return {
    throughputPerSec: throughputPerSec.value,
    latencyP50Ns: latencyNs.p50,
    latencyP99Ns: latencyNs.p99,
    requestCount,
    verdict,
    isClientLimited,
    loadTimeNs,
  };
}

interface Pace {
  left(): Nanos;
  levelTime(turnsLeft: number): Nanos;
  hasTimeFor(turns: number): boolean;
  note(started: Instant, measured: number): void;
}

/** Shares the budget out over the turns that are left, less what a turn takes beside its level. */
function createPace(clock: Clock, budget: Nanos): Pace {
  const begun = clock.now();
  const overheads: number[] = [];
  const left = (): Nanos => nanos(Math.max(0, budget - elapsed(begun, clock.now())));
  const overhead = (): number =>
    overheads.length === 0 ? FIRST_OVERHEAD : overheads.reduce((sum, next) => sum + next, 0) / overheads.length;
  return {
    left,
    levelTime: (turnsLeft) =>
      nanos(Math.min(LONGEST_LEVEL, Math.max(SHORTEST_LEVEL, Math.floor(left() / turnsLeft - overhead())))),
    hasTimeFor: (turns) => left() >= turns * (overhead() + SHORTEST_LEVEL),
    note(started, measured) {
      overheads.push(elapsed(started, clock.now()) - measured);
    },
  };
}
