/** The knob of the model's file: as it is, or converted to half precision. */
import { always, type Knob, oneOfValues, unchanged } from './knob.js';

export const precision: Knob = {
  name: 'precision',
  scope: 'portable',
  place: 'model-file',
  writes: 'VERSION/model.onnx, converted',
  isOrdered: false,
  isMinor: true,
  linePath: [],
  values: ({ canConvert = false }) => (canConvert ? ['fp32', 'fp16'] : ['fp32']),
  read: () => 'fp32',
  refuse: (value, { canConvert = false }) =>
    value === 'fp16' && !canConvert
      ? 'cannot be had: this model cannot be converted here'
      : oneOfValues('fp32', 'fp16')(value),
  unusable: ({ canConvert = false }) => (canConvert ? undefined : 'this model cannot be converted here'),
  isActive: always,
  // TensorRT converts by itself; both at once would only lose accuracy twice.
  isLegal: (value, read) => value === 'fp32' || read('tensorrt_precision_mode') !== 'FP16',
  write: unchanged,
  explain: (value) =>
    value === 'fp16'
      ? 'the model’s file is converted to half precision: compare its answers'
      : 'the model’s file as it is',
};
