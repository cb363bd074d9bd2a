/** Turns what went wrong into what gRPC sends: a status code and its message. */
import { messageOf } from '../../src/common/errors.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import { type Failure, statusCodes } from '../../src/kserve/status.js';

export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
}

export const grpcFailure = (failure: Failure): GrpcFailure => ({
  code: statusCodes[failure.status],
  details: failure.message,
});

/** The failure that a thrown value stands for; anything but a ProtocolError is a fault of the engine itself. */
export const failureOf = (thrown: unknown): Failure =>
  thrown instanceof ProtocolError ? thrown.failure : { status: 'INTERNAL', message: messageOf(thrown) };
