/** Finds what the load generator itself can do on this host with one client: against a null server, with requests as asked for. */
import type { ClientKind } from '../client/infer-client.js';
import { PerfTsError } from '../common/errors.js';
import { seconds } from '../common/units.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import { launchNullServer } from '../null-server/launch-null-server.js';
import type { NullServerConfig } from '../null-server/null-behavior.js';
import { createLoadPlan } from '../plan/plan.js';
import type { CalibrationEntry } from './calibration.js';
import { type CeilingSearch, findCeiling, type ProbeRate } from './find-ceiling.js';
import { plannedRequestBytes } from './known-ceiling.js';
import { createProbe } from './probe-client.js';

export interface CalibrateOptions {
  readonly client: ClientKind;
  /** The default of a run when left out. */
  readonly workerCount?: number | undefined;
  readonly batchSize?: number | undefined;
  /** The model that the null server pretends to serve, which gives the sizes. */
  readonly model: Omit<NullServerConfig, 'behavior'>;
  readonly signal: AbortSignal;
  /** A plain sentence after each probe. */
  readonly onProbe?: (sentence: string) => void;
}

export type Calibration =
  | { readonly state: 'found'; readonly entry: CalibrationEntry }
  /** Too busy a host to tell; nothing to keep. */
  | ({ readonly client: ClientKind } & Extract<CeilingSearch, { state: 'held-up' }>);

/** Takes some twenty seconds. Throws PerfTsError when interrupted. */
export async function calibrateClient(options: CalibrateOptions): Promise<Calibration> {
  const { client, model, signal } = options;
  const server = await launchNullServer({ ...model, behavior: { delay: { kind: 'none' } } });
  try {
    const protocol = client === 'http' ? 'http' : 'grpc';
    const { batchSize = 1 } = options;
    const config = { name: model.metadata.name, max_batch_size: model.maxBatchSize };
    const plan = createLoadPlan(
      {
        protocol,
        client,
        endpoint: server.endpoints[protocol],
        load: { kind: 'open', arrival: { kind: 'constant' }, maxInFlight: 1 },
        sequence: { kind: 'stepped', values: [1] },
        batchSizes: [batchSize],
        stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 1 },
        requestTimeout: seconds(10),
        workerCount: options.workerCount,
      },
      [{ model: model.metadata.name, metadata: model.metadata, config }],
    );
    const requestBytes = plannedRequestBytes(plan);
    const pool = await startLoadWorkers(plan);
    try {
      const probe = tellingProbe(createProbe({ pool, requestBytes, batchSize, signal }), options.onProbe);
      const found = await measureLimits(probe);
      if (found.state === 'held-up') return { client, ...found };
      const { maxRatePerSec, floors } = found;
      const responseBytes = model.outputs.reduce((sum, { byteSize }) => sum + byteSize, 0);
      const { workerCount } = plan;
      const measuredAt = new Date().toISOString();
      const sizes = { requestBytes, responseBytes };
      return { state: 'found', entry: { client, workerCount, ...sizes, measuredAt, maxRatePerSec, floors } };
    } finally {
      await pool.close();
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    throw new PerfTsError('INTERRUPTED', { what: 'stopped before the calibration was finished' }, thrown);
  } finally {
    await server.close();
  }
}

const WARM_UP_PER_SEC = 1000;

type Limits =
  | ({ readonly state: 'found' } & Pick<CalibrationEntry, 'maxRatePerSec' | 'floors'>)
  | Extract<CeilingSearch, { state: 'held-up' }>;

async function measureLimits(probe: ProbeRate): Promise<Limits> {
  // The first requests run code that is not compiled yet.
  await probe(WARM_UP_PER_SEC);
  const found = await findCeiling(probe);
  if (found.state === 'held-up') return found;
  const floorAt = async (share: number) => {
    const requestRatePerSec = found.maxRatePerSec * share;
    const { latencyP50Ns, latencyP99Ns } = await probe(requestRatePerSec);
    return { requestRatePerSec, p50Ns: latencyP50Ns, p99Ns: latencyP99Ns };
  };
  return { ...found, floors: { tenth: await floorAt(0.1), half: await floorAt(0.5) } };
}

function tellingProbe(probe: ProbeRate, tell: CalibrateOptions['onProbe']): ProbeRate {
  return async (rate) => {
    const figures = await probe(rate);
    const lagMs = (figures.sendLagP99Ns / 1e6).toFixed(2);
    tell?.(`${Math.round(rate)}/s: send lag p99 ${lagMs} ms, busy ${Math.round(figures.busyRatio * 100)} %`);
    return figures;
  };
}
