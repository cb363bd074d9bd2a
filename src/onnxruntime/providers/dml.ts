/** Any Direct3D 12 GPU on Windows, through DirectML. */
import { appendByName } from '../provider-append.js';
import { oneOf, trueFalse, wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

export const dmlRow: ProviderRow = {
  name: 'dml',
  ortName: 'DmlExecutionProvider',
  acceleratorNames: { gpu: 'dml' },
  devices: ['gpu'],
  needs: 'Windows, a Direct3D 12 GPU, and a build of ONNX Runtime with the DirectML provider',
  inTriton: 'refused',
  deviceOption: 'device_id',
  options: {
    performance_preference: { type: oneOf('default', 'high_performance', 'minimum_power'), defaultText: 'default' },
    device_filter: { type: oneOf('gpu', 'npu', 'any'), defaultText: 'gpu' },
    disable_metacommands: { type: trueFalse, defaultText: 'false' },
    device_id: { type: wholeNumber(0, 255), defaultText: '0' },
  },
  modelParameters: {},
  append: appendByName('DML'),
};
