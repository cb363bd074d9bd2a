/**
 * Any GPU with a Vulkan, Metal or Direct3D 12 driver. It survives one session in a process only, so that is all it
 * gets. Unknown keys and values are ignored by ONNX Runtime; the source of these is webgpu_provider_options.h.
 */
import { appendByName } from '../provider-append.js';
import { anyText, oneOf, onOff, type ProviderOption, wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

const cacheModes = oneOf('disabled', 'lazyRelease', 'simple', 'bucket');

const options: Readonly<Record<string, ProviderOption>> = {
  preferredLayout: { type: oneOf('NCHW', 'NHWC'), defaultText: 'NHWC' },
  enableGraphCapture: { type: onOff, defaultText: '0' },
  enableInt64: { type: onOff, defaultText: '0', since: '1.24' },
  dawnBackendType: { type: oneOf('Vulkan', 'D3D12') },
  powerPreference: { type: oneOf('high-performance', 'low-power'), since: '1.23' },
  deviceId: { type: wholeNumber(0, 255), defaultText: '0' },
  storageBufferCacheMode: { type: cacheModes, defaultText: 'bucket' },
  uniformBufferCacheMode: { type: cacheModes, defaultText: 'simple' },
  queryResolveBufferCacheMode: { type: cacheModes, defaultText: 'disabled' },
  defaultBufferCacheMode: { type: cacheModes, defaultText: 'disabled' },
  validationMode: { type: oneOf('disabled', 'wgpuOnly', 'basic', 'full'), defaultText: 'basic' },
  forceCpuNodeNames: { type: anyText },
};

export const webGpuRow: ProviderRow = {
  name: 'webgpu',
  ortName: 'WebGpuExecutionProvider',
  acceleratorNames: { gpu: 'webgpu' },
  devices: ['gpu'],
  needs: 'a GPU with a Vulkan 1.3, Metal or Direct3D 12 driver',
  inTriton: 'refused',
  isSingle: true,
  options,
  modelParameters: {},
  append: appendByName('WebGPU'),
};
