/** Apple's Core ML: CPU, GPU and neural engine of a Mac, chosen by the system. */
import { appendByName } from '../provider-append.js';
import { anyText, oneOf, onOff } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

/** None of these names is in the macOS libraries of 1.19 and 1.20, all are in 1.21's. */
export const coreMlRow: ProviderRow = {
  name: 'coreml',
  ortName: 'CoreMLExecutionProvider',
  acceleratorNames: { cpu: 'coreml' },
  devices: ['cpu'],
  needs: 'macOS and a build of ONNX Runtime with the Core ML provider',
  inTriton: 'refused',
  cacheOptions: (folder) => ({ ModelCacheDirectory: folder }),
  options: {
    ModelFormat: { type: oneOf('NeuralNetwork', 'MLProgram'), defaultText: 'NeuralNetwork', since: '1.21' },
    MLComputeUnits: {
      type: oneOf('ALL', 'CPUOnly', 'CPUAndGPU', 'CPUAndNeuralEngine'),
      defaultText: 'ALL',
      since: '1.21',
    },
    RequireStaticInputShapes: { type: onOff, defaultText: '0', since: '1.21' },
    EnableOnSubgraphs: { type: onOff, defaultText: '0', since: '1.21' },
    SpecializationStrategy: { type: oneOf('Default', 'FastPrediction'), defaultText: 'Default', since: '1.21' },
    ProfileComputePlan: { type: onOff, defaultText: '0', since: '1.21' },
    AllowLowPrecisionAccumulationOnGPU: { type: onOff, defaultText: '0', since: '1.21' },
    ModelCacheDirectory: { type: anyText, since: '1.21' },
  },
  modelParameters: {},
  append: appendByName('CoreML'),
};
