/** The driver of a level on one worker: which kind, fed by which requests. */
import { systemClock } from '../common/clock.js';
import type { LoadPlan } from '../plan/load-plan.js';
import { shareSchedule } from './arrival-schedule.js';
import { ClosedLoopDriver } from './closed-loop-driver.js';
import { OpenLoopDriver } from './open-loop-driver.js';
import type { CreatePacer } from './pacer.js';
import type { RequestLog } from './request-log.js';
import { endlessSource, RequestTurns, Tickets, ticketSource, weightedTurns } from './request-source.js';
import type { LevelShare } from './worker-messages.js';

export interface DriverParts {
  readonly plan: LoadPlan;
  readonly workerIndex: number;
  readonly share: LevelShare;
  /** Handles of prepared requests, by model. */
  readonly handles: readonly (readonly number[])[];
  readonly send: (handle: number, tag: number) => void;
  readonly logs: readonly RequestLog[];
  readonly createPacer: CreatePacer;
  readonly onFinished: () => void;
}

/** Whether the workers must number their requests together. */
export const needsTickets = (plan: LoadPlan, { kind, requestCount }: LevelShare['level']): boolean =>
  kind === 'closed' && (plan.models.length > 1 || requestCount !== undefined);

export function createDriver(parts: DriverParts): ClosedLoopDriver | OpenLoopDriver {
  const { plan, workerIndex, share, handles, send, logs, createPacer, onFinished } = parts;
  const { level, slotCount, startNs } = share;
  const turns = new RequestTurns(handles, weightedTurns(plan.models.map(({ weight }) => weight)));
  const common = { send, logs, clock: systemClock, onFinished };
  if (level.kind === 'open') {
    const schedule = shareSchedule(level, workerIndex, plan.workerCount);
    return new OpenLoopDriver({
      ...common,
      turns,
      schedule,
      startNs,
      maxInFlight: slotCount,
      waitsWhenFull: level.waitsWhenFull,
      createPacer,
    });
  }
  const source =
    share.tickets === undefined
      ? endlessSource(handles[0]!)
      : ticketSource(turns, new Tickets(share.tickets), level.requestCount);
  return new ClosedLoopDriver({ ...common, source, concurrency: slotCount });
}
