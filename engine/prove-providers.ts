/** Proves, before a model is loaded, that ONNX Runtime can use the execution providers that its config asks for. */
import { findEngineOnly } from '../src/onnxruntime/accelerator-settings.js';
import { cudaRemedyFor } from '../src/onnxruntime/cuda-error.js';
import {
  describeAssignment,
  needsOf,
  type PlaceAssignment,
  prepareSession,
} from '../src/onnxruntime/prepare-session.js';
import type { SessionSettings } from '../src/onnxruntime/session-settings.js';
import type { ConfigSettings } from '../src/onnxruntime/triton-settings.js';
import { refuseConfig } from './config-limits.js';
import type { InstancePlan } from './instance/instance-plan.js';
import type { ServedModelOptions } from './served-model.js';

/**
 * A model is never run on another provider than the one that its config asks for, and the log says who got which nodes.
 * @throws PerfTsError BAD_FILE for a provider that ONNX Runtime cannot use here.
 */
export async function proveProviders(
  { name, modelFile, config, log }: ServedModelOptions,
  { settings, providers }: ConfigSettings,
  { ortLibrary, ortVersion, plans }: { ortLibrary: string; ortVersion: string; plans: readonly InstancePlan[] },
): Promise<{ readonly settings: SessionSettings; readonly assignments: readonly PlaceAssignment[] }> {
  const places = plans.map(({ gpu }) => gpu);
  const prepared = await prepareSession({ modelFile, ortLibrary, ortVersion, settings, places });
  if (prepared.state === 'refused') {
    const refused = providers.find((provider) => provider.name === prepared.provider) ?? providers[0]!;
    const subject = prepared.provider === undefined ? 'the model cannot be loaded with' : 'ONNX Runtime cannot use';
    const what = `${subject} ${refused.name} (ONNX Runtime ${ortVersion}): ${prepared.reason}`;
    const needs = prepared.provider === undefined ? 'change its parameters' : `it needs ${needsOf(refused.name)}`;
    const remedy = cudaRemedyFor(prepared.reason) ?? needs;
    refuseConfig(name, [{ where: refused.where, what, hint: `${remedy}; or remove it to run on the CPU` }]);
    throw new Error('a refused provider must refuse the config');
  }
  for (const assignment of prepared.assignments) {
    const built = prepared.isKept ? 'built before' : `built in ${Math.round(assignment.buildNs / 1e6)} ms`;
    log?.info(`model '${name}' on ${assignment.device}: ${describeAssignment(assignment)}; ${built}`);
  }
  for (const reason of findEngineOnly(config)) log?.info(`model '${name}' is for this engine only: ${reason}`);
  return { settings: prepared.settings, assignments: prepared.assignments };
}
