/**
 * The execution providers that perf-ts can append to a session, one row each. A provider that is not here is refused
 * by name when a model asks for it.
 */
import type { Pointer } from './api-functions.js';
import type { OrtLibrary } from './library.js';

export type ProviderName = 'cpu';
export type AcceleratorDevice = 'cpu' | 'gpu';

export interface ProviderRow {
  readonly name: ProviderName;
  /** What `execution_accelerators` calls it for each device; the CPU's own provider needs no mention. */
  readonly acceleratorNames: Readonly<Partial<Record<AcceleratorDevice, string>>>;
  /** Adds the provider to session options before the session is created. */
  append(library: OrtLibrary, options: Pointer): void;
}

export const providerTable: readonly ProviderRow[] = [
  // ONNX Runtime adds its CPU provider to every session by itself, as the last choice for each node.
  { name: 'cpu', acceleratorNames: {}, append: () => undefined },
];

/** The row of a provider that the table has. */
export function providerRow(name: ProviderName): ProviderRow {
  const row = providerTable.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no execution provider ${name}`);
  return row;
}

/** The provider that an accelerator's name in a model config stands for, or undefined when there is none here. */
export const findAccelerator = (device: AcceleratorDevice, name: string): ProviderRow | undefined =>
  providerTable.find((row) => row.acceleratorNames[device] === name);
