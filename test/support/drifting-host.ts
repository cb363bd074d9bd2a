/** A host whose speed drifts as a first-order autoregressive process, with noise of its own in every short batch; seeded, pure arithmetic. */
import { createRng } from '../../src/common/random.js';

export interface DriftingHost {
  readonly driftRatio: number;
  readonly correlationSec: number;
  /** Standard deviation over the mean of a batch of 0.25 s. */
  readonly batchNoise: number;
}

export const BATCH_SEC = 0.25;

/** The rates that batches of 0.25 s, at these seconds, would measure of a server of 100/s; time only goes forward. */
export function createDriftingHost({ driftRatio, correlationSec, batchNoise }: DriftingHost, seed: number) {
  const rng = createRng(seed);
  let at = 0;
  let drift = driftRatio * rng.normal();
  return (atSec: number): number => {
    const memory = Math.exp(-(atSec - at) / correlationSec);
    drift = drift * memory + driftRatio * Math.sqrt(1 - memory * memory) * rng.normal();
    at = atSec;
    return 100 * Math.exp(drift + batchNoise * rng.normal());
  };
}
