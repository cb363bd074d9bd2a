/**
 * On what hardware each provider row has really run in this project, and which have never run. Kept by hand: a row
 * says more than `never` only after its sessions gave right answers on such a machine.
 */
import type { ProviderName } from '../onnxruntime/provider-table.js';

export interface ProviderEvidence {
  readonly provider: ProviderName;
  /** Hardware and library versions; empty when it has never run anywhere. */
  readonly ranOn: readonly string[];
  /** What else has been tried. */
  readonly remark?: string;
}

export const providerEvidence: readonly ProviderEvidence[] = [
  { provider: 'cpu', ranOn: ['AMD EPYC, x86-64, ONNX Runtime 1.24 and 1.30'] },
  { provider: 'openvino', ranOn: ['AMD EPYC, x86-64, CPU device, ONNX Runtime 1.24.1 with OpenVINO 2025.4'] },
  { provider: 'cuda', ranOn: [], remark: 'has never run: no machine with an NVIDIA GPU was at hand' },
  { provider: 'tensorrt', ranOn: [], remark: 'has never run: no machine with an NVIDIA GPU was at hand' },
  { provider: 'webgpu', ranOn: [], remark: 'has never run here: it needs a Vulkan 1.3 driver' },
  { provider: 'xnnpack', ranOn: [], remark: 'has never run: no build with it is on PyPI or npm for Linux' },
  { provider: 'dml', ranOn: [], remark: 'has never run: Windows only' },
  { provider: 'coreml', ranOn: [], remark: 'has never run: macOS only' },
  { provider: 'migraphx', ranOn: [], remark: 'has never run: needs an AMD GPU with ROCm' },
];
