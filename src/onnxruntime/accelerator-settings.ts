/**
 * Execution providers and their options from a model configuration: `optimization.execution_accelerators`, and the
 * older model parameters that only one provider reads. Names, keys and values are checked against the provider table.
 */
import { closestWord } from '../common/closest-word.js';
import type { Problem } from '../common/errors.js';
import { elementPath, entryPath, memberPath } from '../model-config/field-path.js';
import type { AcceleratorConfig, ModelConfig } from '../model-config/model-config.js';
import type { OrtLibrary } from './library.js';
import { OrtError } from './ort-error.js';
import type { ProviderOption } from './provider-options.js';
import {
  type AcceleratorDevice,
  acceleratorsOf,
  findAccelerator,
  type ProviderRow,
  providerRow,
  providerTable,
} from './provider-table.js';
import { createSessionOptions, type ProviderSettings } from './session-settings.js';

const listNames = { gpu: 'gpu_execution_accelerator', cpu: 'cpu_execution_accelerator' } as const;
const ROOT = 'optimization.execution_accelerators';

/** A provider that a config asks for, and where. */
export interface PlacedProvider extends ProviderSettings {
  readonly where: string;
}

interface Found {
  readonly providers: PlacedProvider[];
  readonly problems: Problem[];
}

/** In the order in which they are appended: each list as given, the GPU's first. */
export function readAccelerators(config: ModelConfig): {
  readonly providers: readonly PlacedProvider[];
  readonly problems: readonly Problem[];
} {
  const found: Found = { providers: [], problems: [] };
  const lists = config.optimization?.execution_accelerators;
  for (const device of ['gpu', 'cpu'] as const) {
    (lists?.[listNames[device]] ?? []).forEach((accelerator, index) => {
      readAccelerator(device, accelerator, elementPath(memberPath(ROOT, listNames[device]), index), found);
    });
  }
  return found;
}

function readAccelerator(device: AcceleratorDevice, accelerator: AcceleratorConfig, where: string, found: Found): void {
  const { name, parameters = {} } = accelerator;
  const row = findAccelerator(device, name);
  if (row === undefined) {
    found.problems.push(unknownAccelerator(device, name, where));
    return;
  }
  if (found.providers.some((provider) => provider.name === row.name)) {
    found.problems.push({ where, what: `'${name}' is asked for twice`, hint: 'remove one of them' });
    return;
  }
  let options: Record<string, string> = {};
  for (const [key, text] of Object.entries(parameters)) {
    const option = Object.hasOwn(row.options, key) ? row.options[key] : undefined;
    const path = entryPath(memberPath(where, 'parameters'), key);
    if (option === undefined) found.problems.push(unknownOption(row, key, path));
    else {
      const value = option.type.read(text);
      if (value === undefined) found.problems.push({ where: path, what: `'${text}' ${option.type.describe}` });
      else options = { ...options, ...(row.expand?.(key, value) ?? { [option.ortName ?? key]: value }) };
    }
  }
  found.providers.push({ name: row.name, options, where });
}

function unknownAccelerator(device: AcceleratorDevice, name: string, where: string): Problem {
  const known = acceleratorsOf(device);
  const guess = closestWord(name, known);
  const other = device === 'gpu' ? 'cpu' : 'gpu';
  const hint = acceleratorsOf(other).includes(name)
    ? `it goes into ${listNames[other]}`
    : guess === undefined
      ? `for ${device === 'gpu' ? 'GPUs' : 'CPUs'} there are ${known.join(', ')}; remove it to run on the CPU`
      : `did you mean '${guess}'?`;
  return { where, what: `there is no execution accelerator '${name}'`, hint };
}

function unknownOption(row: ProviderRow, key: string, where: string): Problem {
  const known = Object.keys(row.options);
  const guess = closestWord(key, known);
  const hint = guess === undefined ? `it takes ${known.join(', ')}` : `did you mean '${guess}'?`;
  return { where, what: `is not an option of the ${row.name} accelerator`, hint };
}

/** The provider that alone reads a model parameter of this name, with the parameter's type. */
export function findProviderParameter(
  key: string,
): { readonly row: ProviderRow; readonly option: ProviderOption } | undefined {
  for (const row of providerTable) {
    if (Object.hasOwn(row.modelParameters, key)) return { row, option: row.modelParameters[key]! };
  }
  return undefined;
}

/**
 * Providers that this library cannot append, with its reason: an engine never runs a model on another provider than
 * the one asked for.
 */
export function findMissingProviders(library: OrtLibrary, providers: readonly PlacedProvider[]): readonly Problem[] {
  return providers.flatMap((provider): Problem[] => {
    const { needs } = providerRow(provider.name);
    try {
      library.api.ReleaseSessionOptions(createSessionOptions(library, { providers: [provider] }));
      return [];
    } catch (thrown) {
      if (!(thrown instanceof OrtError)) throw thrown;
      const what = `ONNX Runtime ${library.version} as it is loaded lacks this: ${withoutOrigin(thrown.message)}`;
      return [{ where: provider.where, what, hint: `it needs ${needs}; remove it to run on the CPU` }];
    }
  });
}

/** ONNX Runtime begins some messages with a place in its own source. */
const withoutOrigin = (message: string): string =>
  message.replace(/\S+\.cc:\d+ .*\[ONNXRuntimeError\] : \d+ : \w+ : /s, '').trim();
