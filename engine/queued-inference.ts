/** A request that passed its checks and waits for, or is part of, a batch. */
import type { Instant } from '../src/common/units.js';
import type { InferenceRequest, OnOutcome } from './inference.js';
import type { InputTensor } from './input-tensor.js';
import type { ScheduledRequest } from './scheduler/batch-sink.js';

/** A class, because one is made for each request and closures would cost more. */
export class QueuedInference implements ScheduledRequest {
  readonly request: InferenceRequest;
  readonly onOutcome: OnOutcome;
  readonly rows: number;
  readonly queuedAt: Instant;
  readonly shapeKey: string;
  expiresAt: Instant | undefined = undefined;

  constructor(request: InferenceRequest, onOutcome: OnOutcome, rows: number, queuedAt: Instant, shapeKey: string) {
    this.request = request;
    this.onOutcome = onOutcome;
    this.rows = rows;
    this.queuedAt = queuedAt;
    this.shapeKey = shapeKey;
  }

  get priority(): number {
    return this.request.priority;
  }

  get timeoutUs(): number {
    return this.request.timeoutUs;
  }

  isCancelled(): boolean {
    return this.request.isCancelled();
  }
}

/** The input of that name, which the request has: nearly always it stands where the model has it. */
export function inputNamed(inputs: readonly InputTensor[], name: string, place: number): InputTensor {
  const expected = inputs[place];
  if (expected !== undefined && expected.name === name) return expected;
  return inputs.find((input) => input.name === name)!;
}
