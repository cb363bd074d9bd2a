/** The calibrated limits that a run is held against, where there are some for what it sends. */
import type { ClientCeiling } from '../measure/limits/client-ceiling.js';
import { describeHost } from '../measure/limits/host-fingerprint.js';
import type { HostDrift } from '../measure/statistics/repeat-interval.js';
import type { LoadPlan } from '../plan/load-plan.js';
import { inputBytes } from '../plan/plan.js';
import { findEntry, readCalibration, readDrift, saveEntry } from './calibration.js';

/** Bytes of tensors in one request of a plan's first model, shape and batch size. */
export function plannedRequestBytes({ models, batchSizes }: Pick<LoadPlan, 'models' | 'batchSizes'>): number {
  const [model] = models;
  const rows = model?.hasBatchDimension === true ? (batchSizes[0] ?? 1) : 1;
  return rows * (model?.shapeVariants[0] ?? []).reduce((sum, input) => sum + inputBytes(input), 0);
}

/** Undefined where nobody has watched this host within a month. */
export const knownDrift = async (): Promise<HostDrift | undefined> => readDrift(await describeHost());

/** Undefined where nobody has calibrated such requests on this host within a day. */
export async function knownCeiling(plan: LoadPlan): Promise<ClientCeiling | undefined> {
  const entries = await readCalibration(await describeHost());
  const { client, workerCount } = plan;
  const entry = findEntry(entries, { client, workerCount, requestBytes: plannedRequestBytes(plan) });
  if (entry === undefined) return undefined;
  const { maxRatePerSec, isLowerBound, floors } = entry;
  return { maxRatePerSec, isLowerBound, floorP50Ns: floors.tenth.p50Ns };
}

/** Rates that a run reached after all correct the calibration, for a busy moment must not be held against later runs; never rejects. */
export async function raiseCeiling(plan: LoadPlan, reachedPerSec: number): Promise<void> {
  const host = await describeHost();
  const { client, workerCount } = plan;
  const key = { client, workerCount, requestBytes: plannedRequestBytes(plan) };
  const entry = findEntry(await readCalibration(host), key);
  if (entry === undefined || entry.maxRatePerSec >= reachedPerSec) return;
  await saveEntry(host, { ...entry, maxRatePerSec: reachedPerSec }).catch(() => undefined);
}
