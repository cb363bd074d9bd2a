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
  {
    provider: 'openvino',
    ranOn: ['AMD EPYC, x86-64, CPU device, ONNX Runtime 1.22, 1.23 and 1.24.1 (OpenVINO 2025.4)'],
  },
  {
    provider: 'cuda',
    ranOn: [],
    remark:
      'has never run on a GPU; the libraries of ONNX Runtime 1.31.1 (CUDA 13) and 1.26 (CUDA 12) have, up to the first call that needs one, with and without a driver library (535)',
  },
  {
    provider: 'tensorrt',
    ranOn: [],
    remark:
      'has never run on a GPU; the libraries of ONNX Runtime 1.31.1 and 1.26 have, up to TensorRT itself, which was not at hand',
  },
  {
    provider: 'webgpu',
    ranOn: ["ONNX Runtime 1.30 on Mesa 25.0's software Vulkan (llvmpipe), x86-64, for correctness only"],
  },
  { provider: 'xnnpack', ranOn: [], remark: 'has never run: no build with it is on PyPI or npm for Linux' },
  { provider: 'dml', ranOn: [], remark: 'has never run: Windows only' },
  { provider: 'coreml', ranOn: [], remark: 'has never run: macOS only' },
  { provider: 'migraphx', ranOn: [], remark: 'has never run: needs an AMD GPU with ROCm' },
];
