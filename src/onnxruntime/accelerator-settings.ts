/**
 * Execution providers and their options from a model configuration: `optimization.execution_accelerators`, and the
 * older model parameters that only one provider reads. Names, keys and values are checked against the provider table.
 */
import { closestWord } from '../common/closest-word.js';
import type { Problem } from '../common/errors.js';
import { elementPath, entryPath, memberPath } from '../model-config/field-path.js';
import type { AcceleratorConfig, ModelConfig } from '../model-config/model-config.js';
import type { ProviderOption } from './provider-options.js';
import {
  type AcceleratorDevice,
  acceleratorsOf,
  findAccelerator,
  type ProviderName,
  type ProviderRow,
  providerRow,
  providerTable,
} from './provider-table.js';
import type { ProviderSettings } from './session-settings.js';

const listNames = { gpu: 'gpu_execution_accelerator', cpu: 'cpu_execution_accelerator' } as const;
const ROOT = 'optimization.execution_accelerators';
/** Paths of the lists in a config. */
export const accelerators = { gpu: memberPath(ROOT, listNames.gpu), cpu: memberPath(ROOT, listNames.cpu) } as const;

/** A provider that a config asks for, and where. */
export interface PlacedProvider extends ProviderSettings {
  readonly where: string;
  /** Keys of the parameters that the config gives, before they became options. */
  readonly keys: readonly string[];
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
      readAccelerator(device, accelerator, elementPath(accelerators[device], index), found);
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
  found.providers.push({ name: row.name, options, where, keys: Object.keys(parameters) });
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

/** Options that came into ONNX Runtime after this version of it: an older one refuses or, worse, ignores them. */
export function findNewerOptions(version: string, providers: readonly PlacedProvider[]): readonly Problem[] {
  return providers.flatMap(({ name, keys, options, where }) => {
    const row = providerRow(name);
    const path = memberPath(where, 'parameters');
    const asked = keys.map((key) => ({ where: entryPath(path, key), subject: 'this', since: row.options[key]?.since }));
    const brought = Object.entries(row.expandedSince ?? {})
      .filter(([option]) => options[option] !== undefined)
      .map(([option, since]) => ({ where: path, subject: option, since }));
    return [...asked, ...brought].flatMap(({ since, subject, ...place }): Problem[] => {
      if (since === undefined || minorOf(version) >= minorOf(since)) return [];
      const what = `ONNX Runtime has ${subject} since ${since}, and ${version} is loaded`;
      return [{ ...place, what, hint: 'remove it or use a newer build' }];
    });
  });
}

const minorOf = (version: string): number => Number(version.split('.')[1]);

/**
 * What of a config only perf-ts's engine honours, one sentence each: a real Triton ignores or refuses it. Empty for a
 * config that means the same to both.
 */
export function findEngineOnly(config: ModelConfig): readonly string[] {
  return readAccelerators(config).providers.flatMap(({ name, keys }) => {
    const { inTriton } = providerRow(name);
    if (inTriton === 'refused') return [`Triton's ONNX Runtime backend has no execution accelerator '${name}'`];
    if (inTriton === 'same' || keys.length === 0) return [];
    return [`Triton ignores the parameters of '${name}': ${keys.join(', ')}`];
  });
}

/** The accelerator in the form of a config's `execution_accelerators`, from options by its parameters' keys. */
export function toAccelerator(
  name: ProviderName,
  parameters: Readonly<Record<string, string>>,
): { readonly device: AcceleratorDevice; readonly accelerator: AcceleratorConfig } | undefined {
  const { acceleratorNames } = providerRow(name);
  const device = (['gpu', 'cpu'] as const).find((one) => acceleratorNames[one] !== undefined);
  if (device === undefined) return undefined;
  const accelerator = { name: acceleratorNames[device]! };
  const isBare = Object.keys(parameters).length === 0;
  return { device, accelerator: isBare ? accelerator : { ...accelerator, parameters } };
}
