/** AMD GPUs through ROCm's MIGraphX. */
import { appendByName } from '../provider-append.js';
import { anyText, oneOf, onOff, type ProviderOption, wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

/** migraphx_execution_provider_info.cc. Until 1.23 the provider could not be added by its name, so no option reached it. */
const options: Readonly<Record<string, ProviderOption>> = {
  migraphx_fp16_enable: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_bf16_enable: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_fp8_enable: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_int8_enable: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_int8_calibration_table_name: { type: anyText, since: '1.23' },
  migraphx_int8_use_native_calibration_table: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_exhaustive_tune: { type: onOff, defaultText: '0', since: '1.23' },
  migraphx_mem_limit: { type: wholeNumber(1), since: '1.23' },
  migraphx_arena_extend_strategy: { type: oneOf('kNextPowerOfTwo', 'kSameAsRequested'), since: '1.23' },
  migraphx_model_cache_dir: { type: anyText, since: '1.23' },
};

export const migraphxRow: ProviderRow = {
  name: 'migraphx',
  ortName: 'MIGraphXExecutionProvider',
  acceleratorNames: { gpu: 'migraphx' },
  devices: ['gpu'],
  needs: 'an AMD GPU with ROCm and MIGraphX, and a build of ONNX Runtime with the MIGraphX provider',
  pluginLibrary: 'onnxruntime_providers_migraphx',
  inTriton: 'refused',
  deviceOption: 'device_id',
  options,
  modelParameters: {},
  append: appendByName('MIGraphX'),
};
