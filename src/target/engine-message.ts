/** What an engine child tells the process that started it, over Node's child-process channel. */
import type { ErrorCode, Problem } from '../common/errors.js';

export type EngineMessage =
  | {
      readonly kind: 'ready';
      readonly grpcEndpoint: string;
      readonly httpEndpoint: string;
      /** Left out when metrics were not allowed. */
      readonly metricsEndpoint?: string;
    }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly problems: readonly Problem[] };
