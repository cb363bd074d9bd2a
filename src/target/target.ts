/** What is measured: a server that answers, and how to let go of it. */
import type { ServerAdmin } from '../client/server-admin.js';
import type { Protocol } from '../kserve/protocol.js';
import type { NodeAssignment } from './engine-message.js';

export interface Target {
  /** Our engine, a server of someone else, or a tritonserver that we started. */
  readonly kind: 'embedded' | 'remote' | 'local';
  /** `host:port` for `protocol`. */
  readonly endpoint: string;
  readonly protocol: Protocol;
  /** `host:port` of the same server for the other protocol, where it is known. */
  readonly otherEndpoint?: string;
  readonly admin: ServerAdmin;
  readonly isDemoModel: boolean;
  /** The server's process where it is ours. */
  readonly serverProcessId?: number;
  /** Its metrics endpoint, where it is ours and has one. */
  readonly metricsUrl?: string;
  /** Where an engine of ours runs the models' nodes; left out or empty where only the CPU provider was asked for. */
  readonly assignments?: readonly NodeAssignment[];
  /** Rejects with PerfTsError ENGINE_FAILED when a server of ours ends by itself; never resolves. */
  readonly failure: Promise<never>;
  /** Stops what was started for this target; safe to call twice. */
  close(): Promise<void>;
}
