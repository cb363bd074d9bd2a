/** What someone can do about a provider that cannot be used, from what it and the driver said. */
import { cudaRemedyFor } from '../onnxruntime/cuda-error.js';
import type { ProviderName } from '../onnxruntime/provider-table.js';
import { familyOf } from './resolve-runtime.js';

/** A command where one would help, else a sentence; undefined when nothing is known to help. */
export function remedyFor(provider: ProviderName, reason: string, runtimeName: string): string | undefined {
  const family = familyOf(runtimeName);
  switch (provider) {
    case 'cuda':
    case 'tensorrt':
      return nvidiaRemedy(provider, reason, family);
    case 'openvino':
      return family === 'openvino'
        ? `perf-ts runtime remove ${runtimeName} && perf-ts runtime install openvino`
        : 'perf-ts runtime install openvino';
    case 'webgpu':
      return 'install a Vulkan driver for the GPU; Mesa 25 or later has one for CPUs, for tests (22.3 is too old)';
    default:
      return undefined;
  }
}

function nvidiaRemedy(provider: 'cuda' | 'tensorrt', reason: string, family: string): string {
  if (/no NVIDIA driver/.test(reason)) {
    return 'install the NVIDIA driver on a machine with an NVIDIA GPU; in a container, start it with --gpus all';
  }
  const known = cudaRemedyFor(/NVIDIA driver.*is too old/.test(reason) ? 'CUDA error 35' : reason);
  if (known !== undefined) return known;
  if (/libnvinfer|libnvonnxparser|TensorRT/.test(reason) && provider === 'tensorrt' && family.startsWith('cuda')) {
    return `install TensorRT 10, then: perf-ts runtime install ${family} --tensorrt DIR (after perf-ts runtime remove)`;
  }
  return family.startsWith('cuda')
    ? `perf-ts runtime remove ${family} and install it again`
    : 'perf-ts runtime install cuda';
}
