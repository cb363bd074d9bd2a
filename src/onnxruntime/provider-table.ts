/**
 * The execution providers that perf-ts can append to a session, one row each. A provider or option that is not here is
 * refused by name when a model asks for it. Whether a library has a provider is found out by appending it, never by
 * its list.
 */
import { coreMlRow } from './providers/coreml.js';
import { cpuRow } from './providers/cpu.js';
import { cudaRow } from './providers/cuda.js';
import { dmlRow } from './providers/dml.js';
import { migraphxRow } from './providers/migraphx.js';
import { openVinoRow } from './providers/openvino.js';
import type { AcceleratorDevice, ProviderName, ProviderRow } from './providers/provider-row.js';
import { tensorRtRow } from './providers/tensorrt.js';
import { webGpuRow } from './providers/webgpu.js';
import { xnnpackRow } from './providers/xnnpack.js';

export type { AcceleratorDevice, ProviderName, ProviderRow };

export const providerTable: readonly ProviderRow[] = [
  cpuRow,
  tensorRtRow,
  cudaRow,
  openVinoRow,
  webGpuRow,
  xnnpackRow,
  dmlRow,
  coreMlRow,
  migraphxRow,
];

/** The row of a provider that the table has. */
export function providerRow(name: ProviderName): ProviderRow {
  const row = providerTable.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no execution provider ${name}`);
  return row;
}

/** What `execution_accelerators` may name for a device. */
export const acceleratorsOf = (device: AcceleratorDevice): readonly string[] =>
  providerTable.flatMap((row) => row.acceleratorNames[device] ?? []);

/** The provider that an accelerator's name in a model config stands for, or undefined when there is none here. */
export const findAccelerator = (device: AcceleratorDevice, name: string): ProviderRow | undefined =>
  providerTable.find((row) => row.acceleratorNames[device] === name);

/** perf-ts's name of a provider where it has one, else ONNX Runtime's. */
export const nameOfProvider = (ortName: string): string =>
  providerTable.find((row) => row.ortName === ortName)?.name ?? ortName;
