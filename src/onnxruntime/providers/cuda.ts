/** NVIDIA GPUs through CUDA and cuDNN. Triton appends it to every session on a GPU, after TensorRT. */
import { appendCuda } from '../provider-append.js';
import { numbered, oneOf, onOff, wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

const searches = ['EXHAUSTIVE', 'HEURISTIC', 'DEFAULT'] as const;
const arenaStrategies = ['kNextPowerOfTwo', 'kSameAsRequested'] as const;
const largestSize = (2n ** 64n - 1n).toString();

/**
 * As GetCUDAProviderOptionsAsString lists them in 1.30, without device and stream, which the engine sets. Releases are
 * those whose library on PyPI has the name first, of 1.17 to 1.31.
 */
const cudaOptions: ProviderRow['options'] = {
  gpu_mem_limit: { type: wholeNumber(1), defaultText: largestSize },
  arena_extend_strategy: { type: oneOf(...arenaStrategies), defaultText: 'kNextPowerOfTwo' },
  cudnn_conv_algo_search: { type: oneOf(...searches), defaultText: 'EXHAUSTIVE' },
  do_copy_in_default_stream: { type: onOff, defaultText: '1' },
  cudnn_conv_use_max_workspace: { type: onOff, defaultText: '1' },
  cudnn_conv1d_pad_to_nc1d: { type: onOff, defaultText: '0' },
  enable_cuda_graph: { type: onOff, defaultText: '0' },
  enable_skip_layer_norm_strict_mode: { type: onOff, defaultText: '0' },
  fuse_conv_bias: { type: onOff, defaultText: '0', since: '1.20' },
  prefer_nhwc: { type: onOff, defaultText: '0' },
  sdpa_kernel: { type: wholeNumber(0, 2 ** 31 - 1), defaultText: '0', since: '1.19' },
  tunable_op_enable: { type: onOff, defaultText: '0' },
  tunable_op_tuning_enable: { type: onOff, defaultText: '0' },
  tunable_op_max_tuning_duration_ms: { type: wholeNumber(0, 2 ** 31 - 1), defaultText: '0' },
  use_ep_level_unified_stream: { type: onOff, defaultText: '0' },
  use_tf32: { type: onOff, defaultText: '1', since: '1.18' },
};

export const cudaRow: ProviderRow = {
  name: 'cuda',
  ortName: 'CUDAExecutionProvider',
  acceleratorNames: { gpu: 'cuda' },
  devices: ['gpu'],
  needs: 'a CUDA device with its driver, cuBLAS, cuDNN 9, and a build of ONNX Runtime with the CUDA provider',
  pluginLibrary: 'onnxruntime_providers_cuda',
  laterLibraries: ['libcudnn.so.9', 'libcufft.so', 'libnvrtc.so'],
  inTriton: 'same',
  deviceOption: 'device_id',
  options: cudaOptions,
  modelParameters: {
    cudnn_conv_algo_search: { type: numbered(...searches) },
    gpu_mem_limit: { type: wholeNumber(1) },
    arena_extend_strategy: { type: numbered(...arenaStrategies) },
    do_copy_in_default_stream: { type: onOff },
  },
  append: appendCuda,
};
