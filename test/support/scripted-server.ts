/**
 * KServe v2 servers on loopback that answer as a test says: one over gRPC, one over HTTP, both driven by the name of
 * the model that is asked for. Real sockets, no model behind them.
 */
import type { AdminCalls } from '../../src/kserve/admin-codec.js';
import type { InferRequestMessage, InferResponseMessage } from '../../src/kserve/infer-codec.js';
import type { StatusName } from '../../src/kserve/status.js';

export interface ScriptedServer {
  readonly endpoint: string;
  /** Inference requests that have arrived. */
  readonly received: () => number;
  /** Breaks every connection without a word and stops listening. */
  readonly vanish: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ScriptOptions {
  /** Whether the server has Triton's configuration and statistics extensions. */
  readonly hasExtensions?: boolean;
}

export type StartScriptedServer = (options?: ScriptOptions) => Promise<ScriptedServer>;

/** What the script has a request meet. */
export type ScriptedAnswer =
  | { readonly kind: 'answer'; readonly response: InferResponseMessage }
  | { readonly kind: 'refuse'; readonly status: StatusName; readonly message: string }
  | { readonly kind: 'silence' };

let refusals = 0;

/** `echo` returns its inputs, `full` refuses with a message that differs each time, `silent` never answers; others are unknown. */
export function answerOf(request: InferRequestMessage): ScriptedAnswer {
  switch (request.modelName) {
    case 'echo': {
      const { modelName, modelVersion, id, inputs } = request;
      return { kind: 'answer', response: { modelName, modelVersion, id, outputs: inputs } };
    }
    case 'full':
      return { kind: 'refuse', status: 'UNAVAILABLE', message: `[request id: ${refusals++}] queue full` };
    case 'silent':
      return { kind: 'silence' };
    default:
      return {
        kind: 'refuse',
        status: 'NOT_FOUND',
        message: `Request for unknown model: '${request.modelName}' is not found`,
      };
  }
}

const duration = (count: number, ns: number) => ({ count, ns });
const nothing = duration(0, 0);

/** What `echo` says of itself; version 10 comes after 9, whatever their order in the list. */
export const echoFacts: {
  readonly metadata: AdminCalls['ModelMetadata']['response'];
  readonly config: Readonly<Record<string, unknown>>;
  readonly statistics: AdminCalls['ModelStatistics']['response'];
} = {
  metadata: {
    name: 'echo',
    versions: ['9', '10'],
    platform: 'scripted',
    inputs: [{ name: 'IN', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'IN', datatype: 'FP32', shape: [-1, 4] }],
  },
  config: {
    name: 'echo',
    max_batch_size: 8,
    input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [4] }],
    dynamic_batching: { max_queue_delay_microseconds: 250 },
  },
  statistics: {
    model_stats: ['9', '10'].map((version) => ({
      name: 'echo',
      version,
      last_inference: 1_700_000_000_000,
      inference_count: 12,
      execution_count: 3,
      inference_stats: {
        success: duration(12, 48_000),
        fail: nothing,
        queue: duration(12, 12_000),
        compute_input: duration(12, 1200),
        compute_infer: duration(12, 30_000),
        compute_output: duration(12, 1200),
        cache_hit: nothing,
        cache_miss: nothing,
      },
      batch_stats: [],
    })),
  },
};

export const serverFacts: AdminCalls['ServerMetadata']['response'] = {
  name: 'scripted',
  version: '1.2.3',
  extensions: ['model_configuration', 'statistics'],
};
