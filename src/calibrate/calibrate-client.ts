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

/** The host was the limit, with one client. */
export type HeldUp = { readonly client: ClientKind } & Extract<CeilingSearch, { state: 'held-up' }>;

export type Calibration =
  /** `heldUp` where the entry is a lower bound, because the host was the limit. */
  | { readonly state: 'found'; readonly entry: CalibrationEntry; readonly heldUp: HeldUp | undefined }
  /** So busy a host that no rate was sent on time; nothing to keep. */
  | HeldUp;

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
      const heldUp = found.heldUp && { client, ...found.heldUp };
      const responseBytes = model.outputs.reduce((sum, { byteSize }) => sum + byteSize, 0);
      const { workerCount } = plan;
      const measuredAt = new Date().toISOString();
      const sizes = { requestBytes, responseBytes };
      const rate = { maxRatePerSec, isLowerBound: heldUp !== undefined };
      return { state: 'found', entry: { client, workerCount, ...sizes, measuredAt, ...rate, floors }, heldUp };
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

type HostLimit = Extract<CeilingSearch, { state: 'held-up' }>;
type Limits =
  | ({ readonly state: 'found'; readonly heldUp: HostLimit | undefined } & Pick<
      CalibrationEntry,
      'maxRatePerSec' | 'floors'
    >)
  | HostLimit;

async function measureLimits(probe: ProbeRate): Promise<Limits> {
  // The first requests run code that is not compiled yet.
  await probe(WARM_UP_PER_SEC);
  const found = await findCeiling(probe);
  if (found.state === 'held-up' && found.passedPerSec === undefined) return found;
  const [maxRatePerSec, heldUp] =
    found.state === 'held-up' ? [found.passedPerSec!, found] : [found.maxRatePerSec, undefined];
  const floorAt = async (share: number) => {
    const requestRatePerSec = maxRatePerSec * share;
    const { latencyP50Ns, latencyP99Ns } = await probe(requestRatePerSec);
    return { requestRatePerSec, p50Ns: latencyP50Ns, p99Ns: latencyP99Ns };
  };
  return { state: 'found', maxRatePerSec, heldUp, floors: { tenth: await floorAt(0.1), half: await floorAt(0.5) } };
}

function tellingProbe(probe: ProbeRate, tell: CalibrateOptions['onProbe']): ProbeRate {
  return async (rate) => {
    const figures = await probe(rate);
    const lagMs = (figures.sendLagP99Ns / 1e6).toFixed(2);
    tell?.(`${Math.round(rate)}/s: send lag p99 ${lagMs} ms, busy ${Math.round(figures.busyRatio * 100)} %`);
    return figures;
  };
}
