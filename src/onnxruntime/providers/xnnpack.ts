/** XNNPACK's CPU kernels, in builds of ONNX Runtime for phones and for those who compile it in. */
import { appendByName } from '../provider-append.js';
import { wholeNumber } from '../provider-options.js';
import type { ProviderRow } from './provider-row.js';

export const xnnpackRow: ProviderRow = {
  name: 'xnnpack',
  ortName: 'XnnpackExecutionProvider',
  acceleratorNames: { cpu: 'xnnpack' },
  devices: ['cpu'],
  needs: 'a build of ONNX Runtime with the XNNPACK provider',
  inTriton: 'refused',
  options: { intra_op_num_threads: { type: wholeNumber(1, 9999), defaultText: '1' } },
  modelParameters: {},
  finish: (values, { intraOpThreads }) =>
    intraOpThreads === undefined ? values : { intra_op_num_threads: String(intraOpThreads), ...values },
  append: appendByName('XNNPACK'),
};
