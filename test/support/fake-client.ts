/** A client whose server is a script: each request's service time is given, and passes on a ManualClock. */
import type { OnCompletion } from '../../src/client/infer-client.js';
import { outcomeCodes } from '../../src/client/outcome.js';
import type { ManualClock } from './manual-clock.js';

/** Service time and outcome of request `index`, counted from 0 in the order of sending; undefined never answers. */
export type ServiceTime = (
  index: number,
  sentNs: number,
) => { readonly afterNs: number | undefined; readonly cause?: string };

export class FakeClient {
  readonly #clock: ManualClock;
  readonly #service: ServiceTime;
  onCompletion: OnCompletion = () => {};
  /** Handles in the order of sending. */
  readonly handles: number[] = [];
  inFlight = 0;
  maxInFlight = 0;

  constructor(clock: ManualClock, service: ServiceTime) {
    this.#clock = clock;
    this.#service = service;
  }

  get sentCount(): number {
    return this.handles.length;
  }

  readonly send = (handle: number, tag: number): void => {
    const index = this.handles.push(handle) - 1;
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    const { afterNs, cause } = this.#service(index, this.#clock.now());
    if (afterNs === undefined) return;
    this.#clock.schedule(afterNs, () => {
      this.inFlight--;
      const outcome = cause === undefined ? outcomeCodes.ok : outcomeCodes.error;
      this.onCompletion(tag, this.#clock.now(), outcome, cause);
    });
  };
}
