/** A server that someone else runs: we only talk to it, and leave it as it was. */
import { connectAdmin } from '../client/connect-admin.js';
import type { ServerAccess } from '../client/server-admin.js';
import { PerfTsError } from '../common/errors.js';
import type { Protocol } from '../kserve/protocol.js';
import type { Target } from './target.js';

export interface RemoteTargetOptions extends ServerAccess {
  readonly endpoint: string;
  /** Found out by asking when left out. */
  readonly protocol?: Protocol;
  readonly model: string;
  readonly modelVersion: string;
  /** The caller will load it. */
  readonly mayBeUnloaded?: boolean;
}

/** Connects and checks that the model is ready there. Throws PerfTsError TARGET_UNREACHABLE or TARGET_REFUSED. */
export async function connectRemoteTarget(options: RemoteTargetOptions): Promise<Target> {
  const { endpoint, protocol, model, modelVersion, tls, headers } = options;
  const admin = await connectAdmin({ endpoint, protocol, tls, headers });
  try {
    if (options.mayBeUnloaded !== true && !(await admin.isModelReady(model, modelVersion))) {
      throw new PerfTsError('TARGET_REFUSED', {
        where: endpoint,
        what: `model '${model}'${modelVersion === '' ? '' : ` version ${modelVersion}`} is not ready on this server`,
        hint: 'check the name with the server’s repository index, or load the model there first',
      });
    }
  } catch (thrown) {
    await admin.close();
    throw thrown;
  }
  return {
    kind: 'remote',
    endpoint,
    protocol: admin.protocol,
    admin,
    isDemoModel: false,
    failure: new Promise<never>(() => undefined),
    close: () => admin.close(),
  };
}
