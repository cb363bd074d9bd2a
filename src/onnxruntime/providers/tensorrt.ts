/** NVIDIA GPUs through TensorRT, which builds an engine for each model, shape and device. */
import { appendTensorRt } from '../provider-append.js';
import { anyText, oneOf, onOff, shapeProfile, wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

/** onnxruntime_backend's keys: four of its own, and ONNX Runtime's verbatim. */
const tensorRtOptions: ProviderRow['options'] = {
  precision_mode: { type: oneOf('FP32', 'FP16', 'BF16', 'INT8'), defaultText: 'FP32' },
  max_workspace_size_bytes: { type: wholeNumber(1), defaultText: '1073741824', ortName: 'trt_max_workspace_size' },
  int8_calibration_table_name: { type: anyText, ortName: 'trt_int8_calibration_table_name' },
  int8_use_native_calibration_table: {
    type: onOff,
    defaultText: '0',
    ortName: 'trt_int8_use_native_calibration_table',
  },
  trt_max_partition_iterations: { type: wholeNumber(1, 2 ** 31 - 1), defaultText: '1000' },
  trt_min_subgraph_size: { type: wholeNumber(1, 2 ** 31 - 1), defaultText: '1' },
  trt_dla_enable: { type: onOff, defaultText: '0' },
  trt_dla_core: { type: wholeNumber(0, 15), defaultText: '0' },
  trt_engine_cache_enable: { type: onOff, defaultText: '0' },
  trt_engine_cache_path: { type: anyText },
  trt_engine_cache_prefix: { type: anyText },
  trt_dump_subgraphs: { type: onOff, defaultText: '0' },
  trt_force_sequential_engine_build: { type: onOff, defaultText: '0' },
  trt_context_memory_sharing_enable: { type: onOff, defaultText: '0' },
  trt_layer_norm_fp32_fallback: { type: onOff, defaultText: '0' },
  trt_timing_cache_enable: { type: onOff, defaultText: '0' },
  trt_timing_cache_path: { type: anyText },
  trt_force_timing_cache: { type: onOff, defaultText: '0' },
  trt_detailed_build_log: { type: onOff, defaultText: '0' },
  trt_build_heuristics_enable: { type: onOff, defaultText: '0' },
  trt_sparsity_enable: { type: onOff, defaultText: '0' },
  trt_builder_optimization_level: { type: wholeNumber(0, 5), defaultText: '3' },
  trt_auxiliary_streams: { type: wholeNumber(0, 2 ** 31 - 1) },
  trt_tactic_sources: { type: anyText },
  trt_extra_plugin_lib_paths: { type: anyText },
  trt_profile_min_shapes: { type: shapeProfile },
  trt_profile_max_shapes: { type: shapeProfile },
  trt_profile_opt_shapes: { type: shapeProfile },
  trt_cuda_graph_enable: { type: onOff, defaultText: '0' },
  trt_dump_ep_context_model: { type: onOff, defaultText: '0' },
  trt_ep_context_file_path: { type: anyText },
  trt_ep_context_embed_mode: { type: wholeNumber(0, 1), defaultText: '0' },
};

const precisionFlags: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  FP32: {},
  FP16: { trt_fp16_enable: '1' },
  BF16: { trt_bf16_enable: '1' },
  INT8: { trt_int8_enable: '1' },
};

export const tensorRtRow: ProviderRow = {
  name: 'tensorrt',
  ortName: 'TensorrtExecutionProvider',
  acceleratorNames: { gpu: 'tensorrt' },
  devices: ['gpu'],
  needs: 'a CUDA device with its driver, TensorRT 10, and a build of ONNX Runtime with the TensorRT provider',
  pluginLibrary: 'onnxruntime_providers_tensorrt',
  laterLibraries: ['libnvinfer_plugin.so.10'],
  inTriton: 'same',
  deviceOption: 'device_id',
  cacheOptions: (folder) => ({
    trt_engine_cache_enable: '1',
    trt_engine_cache_path: folder,
    trt_timing_cache_enable: '1',
    trt_timing_cache_path: folder,
  }),
  options: tensorRtOptions,
  modelParameters: {},
  // Not in the library of 1.22; the other flags are in 1.17's.
  expandedSince: { trt_bf16_enable: '1.23' },
  expand: (key, value) => (key === 'precision_mode' ? precisionFlags[value] : undefined),
  append: appendTensorRt,
};
