/** Apple's Core ML: CPU, GPU and neural engine of a Mac, chosen by the system. */
import { appendByName } from '../provider-append.js';
import { anyText, oneOf, onOff } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

export const coreMlRow: ProviderRow = {
  name: 'coreml',
  ortName: 'CoreMLExecutionProvider',
  acceleratorNames: { cpu: 'coreml' },
  devices: ['cpu'],
  needs: 'macOS and a build of ONNX Runtime with the Core ML provider',
  inTriton: 'refused',
  cacheOptions: (folder) => ({ ModelCacheDirectory: folder }),
  options: {
    ModelFormat: { type: oneOf('NeuralNetwork', 'MLProgram'), defaultText: 'NeuralNetwork' },
    MLComputeUnits: { type: oneOf('ALL', 'CPUOnly', 'CPUAndGPU', 'CPUAndNeuralEngine'), defaultText: 'ALL' },
    RequireStaticInputShapes: { type: onOff, defaultText: '0' },
    EnableOnSubgraphs: { type: onOff, defaultText: '0' },
    SpecializationStrategy: { type: oneOf('Default', 'FastPrediction'), defaultText: 'Default', since: '1.21' },
    ProfileComputePlan: { type: onOff, defaultText: '0', since: '1.21' },
    AllowLowPrecisionAccumulationOnGPU: { type: onOff, defaultText: '0', since: '1.21' },
    ModelCacheDirectory: { type: anyText, since: '1.21' },
  },
  modelParameters: {},
  append: appendByName('CoreML'),
};
