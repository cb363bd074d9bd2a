/** How a call ended, made once for each way and shared by all calls that end so. */
import { describeCause, grpcStatusName } from '../failure-cause.js';
import { CLOSED_CAUSE, TIMEOUT_CAUSE } from '../in-flight.js';
import { type OutcomeCode, outcomeCodes } from '../outcome.js';

export interface Ending {
  readonly outcome: OutcomeCode;
  /** Undefined for ok. */
  readonly cause: string | undefined;
  readonly statusName: string;
  /** In the words of the server or the system. */
  readonly details: string;
}

const ending = (outcome: OutcomeCode, statusName: string, details: string, cause: string | undefined): Ending => ({
  outcome,
  cause,
  statusName,
  details,
});

export const failedWith = (statusName: string, details: string): Ending =>
  ending(outcomeCodes.error, statusName, details, describeCause(statusName, details));

/** A status other than 0 that the server sent. */
export const refusedWith = (code: number, details: string): Ending => failedWith(grpcStatusName(code), details);

export const answered: Ending = ending(outcomeCodes.ok, 'OK', '', undefined);
/** Status 0, but not exactly one whole message that looks like an inference response. */
export const malformedAnswer: Ending = failedWith('INTERNAL', 'malformed answer');
export const answerWithoutStatus: Ending = failedWith('INTERNAL', 'the answer has no grpc-status');
export const timedOut: Ending = ending(
  outcomeCodes.timeout,
  'DEADLINE_EXCEEDED',
  'no answer within the request timeout',
  TIMEOUT_CAUSE,
);
export const closedByClient: Ending = ending(
  outcomeCodes.cancelled,
  'CANCELLED',
  'the client was closed',
  CLOSED_CAUSE,
);
