/** ONNX Runtime's own CPU provider: part of every session, as the last choice for each node. Model parameters set it. */
import type { ProviderRow } from './provider-row.js';

export const cpuRow: ProviderRow = {
  name: 'cpu',
  ortName: 'CPUExecutionProvider',
  acceleratorNames: {},
  devices: ['cpu'],
  needs: 'nothing',
  inTriton: 'same',
  options: {},
  modelParameters: {},
  append: () => undefined,
};
