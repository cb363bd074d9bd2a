/**
 * Keeps ONNX Runtime's telemetry off. Official builds collect unless the environment says otherwise BEFORE the library
 * is loaded, so nothing may load it without passing here first.
 */
import { isMainThread } from 'node:worker_threads';
import { PerfTsError } from '../common/errors.js';

const VARIABLE = 'ORT_DISABLE_TELEMETRY';

/**
 * Makes sure that the library will find telemetry switched off; sets the variable when it is not set.
 * @throws PerfTsError RUNTIME_UNUSABLE when it is set to something that would switch telemetry on.
 */
export function requireTelemetryOff(): void {
  const value = process.env[VARIABLE];
  if (value === '1') return;
  if (value !== undefined) {
    throw new PerfTsError('RUNTIME_UNUSABLE', {
      what: `${VARIABLE} is '${value}', and perf-ts loads ONNX Runtime only with its telemetry off`,
      where: 'environment',
      hint: `set ${VARIABLE}=1 or leave it unset`,
    });
  }
  // A worker's process.env is a copy that native code never sees.
  if (!isMainThread) throw new Error(`${VARIABLE} must be set by the main thread before a worker loads ONNX Runtime`);
  process.env[VARIABLE] = '1';
}
