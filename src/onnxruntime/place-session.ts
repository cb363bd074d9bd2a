/** What of a model's session settings holds for an instance on one device. */
import { type ProviderRow, providerRow } from './provider-table.js';
import type { ProviderSettings, SessionSettings } from './session-settings.js';

const runsOn = (row: ProviderRow, gpu: number | undefined): boolean =>
  row.devices.includes(gpu === undefined ? 'cpu' : 'gpu');

/**
 * Providers of GPUs for an instance on GPU number `gpu`, and with its number where they take one; those of the CPU for
 * an instance without. Where every node must be taken by a provider, ONNX Runtime is told to refuse anything else.
 */
export function placeSession(settings: SessionSettings, gpu: number | undefined): SessionSettings {
  const { providers: all = [], ...rest } = settings;
  const providers = all
    .filter(({ name }) => runsOn(providerRow(name), gpu))
    .map((provider): ProviderSettings => {
      const { deviceOption } = providerRow(provider.name);
      if (gpu === undefined || deviceOption === undefined) return provider;
      return { ...provider, options: { ...provider.options, [deviceOption]: String(gpu) } };
    });
  if (providers.length === 0) return rest;
  const placed = { ...rest, providers };
  if (!providers.some(({ name }) => providerRow(name).takesWholeModel === true)) return placed;
  return { ...placed, configEntries: { ...rest.configEntries, 'session.disable_cpu_ep_fallback': '1' } };
}
