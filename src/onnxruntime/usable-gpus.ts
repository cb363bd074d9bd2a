/** Whether instances may go to GPUs when a config leaves that open, decided without loading a provider. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ModelConfig } from '../model-config/model-config.js';
import { type CudaDevices, findCudaDevices } from './cuda-devices.js';
import { bundledLibraryPath } from './library-path.js';
import { findAccelerator, providerRow } from './provider-table.js';

export interface UsableGpus {
  /** Whether KIND_AUTO means a GPU. */
  readonly hasGpu: boolean;
  /** CUDA's device numbers. */
  readonly gpus: readonly number[];
}

const pluginFile = (name: string): string => (process.platform === 'win32' ? `${name}.dll` : `lib${name}.so`);

/**
 * As in Triton, KIND_AUTO means every GPU where there is one: here, where the library comes with its CUDA provider. A
 * config that asks for another make's accelerator means that one. The driver is asked only when the answer matters.
 */
export function findUsableGpus(
  config: ModelConfig | undefined,
  ortLibrary: string = bundledLibraryPath(),
  cuda: () => CudaDevices = findCudaDevices,
): UsableGpus {
  const groups = config?.instance_group ?? [];
  const isOpen = ({ kind }: { readonly kind?: string }): boolean => kind === undefined || kind === 'KIND_AUTO';
  const wantsGpus = groups.some(({ kind, gpus = [] }) => kind === 'KIND_GPU' && gpus.length === 0);
  const accelerators = config?.optimization?.execution_accelerators?.gpu_execution_accelerator ?? [];
  const others = accelerators.filter(({ name }) => !['cuda', 'tensorrt'].includes(name));
  if (others.length > 0) return { hasGpu: others.some(({ name }) => findAccelerator('gpu', name)), gpus: [] };
  const plugin = pluginFile(providerRow('cuda').pluginLibrary!);
  const hasProvider = existsSync(join(dirname(ortLibrary), plugin));
  const mayChoose = hasProvider && (groups.length === 0 || groups.some(isOpen));
  if (!mayChoose && !wantsGpus) return { hasGpu: false, gpus: [] };
  const gpus = cuda().devices.map(({ gpu }) => gpu);
  return { hasGpu: hasProvider && gpus.length > 0, gpus };
}
