/**
 * What a study needs of a served variant. The real ones are the launchers beside it; tests serve simulated
 * landscapes.
 */
import type { Nanos } from '../../common/units.js';
import type { LevelProgress } from '../../measure/measurement.js';
import type { LoadLevel } from '../../plan/load-plan.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { Target } from '../../target/target.js';
import type { Variant } from '../variants/variants.js';

export interface MeasureRequest {
  readonly load: LoadLevel;
  /** Longest time for warm-up and window together. */
  readonly duration: Nanos;
  /** Ends the level early; what it returns then is not used. */
  readonly signal: AbortSignal;
  onProgress(progress: LevelProgress): void;
}

export interface LaunchedVariant {
  /** From the start of the server until the model was ready; null where it is not known. */
  readonly loadTimeNs: Nanos | null;
  /** From then on until one request had been answered: at least what one inference takes. Left out where it is simulated. */
  readonly firstResponseNs?: Nanos;
  /** The server itself, for questions beside the load; left out where it is simulated. */
  readonly target?: Target;
  /** May be called again after it returned, for another load on the same server. Rejects when the server fails. */
  measure(request: MeasureRequest): Promise<LevelRecord>;
  /** Stops the server and the load workers; safe to call twice. */
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** For the requests' content; a new one in every trial. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Starts a fresh server for the variant, or has a running one load it. Rejects with the cause when it cannot serve it, having stopped what it started. */
export type LaunchVariant = (variant: Variant, options: LaunchOptions) => Promise<LaunchedVariant>;
