/** Turns what was thrown while a call was answered into the failure that a front end sends. */
import { messageOf } from '../../src/common/errors.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { Failure } from '../../src/kserve/status.js';

/** The failure that a thrown value stands for; anything but a ProtocolError is a fault of the engine itself. */
export const failureOf = (thrown: unknown): Failure =>
  thrown instanceof ProtocolError ? thrown.failure : { status: 'INTERNAL', message: messageOf(thrown) };
