/** What an engine child tells the process that started it, over Node's child-process channel. */
import type { ErrorCode, Problem } from '../common/errors.js';

/** Which execution providers took the nodes of a model on one device. */
export interface NodeAssignment {
  readonly model: string;
  readonly version: string;
  /** `cpu`, `gpu 0`, ... */
  readonly device: string;
  /** Nodes by provider. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Copies between devices that ONNX Runtime inserted. */
  readonly copyCount: number;
  /** Making the first session took so long, with engines that were built for it. */
  readonly buildNs: number;
}

export type EngineMessage =
  | {
      readonly kind: 'ready';
      readonly grpcEndpoint: string;
      readonly httpEndpoint: string;
      /** Left out when metrics were not allowed. */
      readonly metricsEndpoint?: string;
      /** Of the models that are served when the engine is ready. */
      readonly assignments: readonly NodeAssignment[];
    }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly problems: readonly Problem[] };

/** What a process on standby tells once: it has loaded all that needs no model. */
export interface StandbyMessage {
  readonly kind: 'standing-by';
}

/** What makes an engine of a process on standby. */
export interface StandbyOrder {
  /** The command line, `serve` first. */
  readonly argv: readonly string[];
}
