import { describe, expect, it } from 'vitest';
import { explainNativeError } from '../../src/onnxruntime/native-error.js';
import { tidyNativeText } from '../../src/onnxruntime/native-text.js';

/** As ONNX Runtime 1.30 says them. */
const SOURCE = '/onnxruntime_src/onnxruntime/core';
const run = (op: string, rest: string, name = ''): string =>
  `Non-zero status code returned while running ${op} node. Name:'${name}' Status Message: ${rest}`;
const said = {
  broadcast: run(
    'Add',
    `${SOURCE}/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 3 by 5`,
    '/layer/Add',
  ),
  gather: run('Gather', 'indices element out of data bounds, idx=77 must be within the inclusive range [-50,49]'),
  concat: run(
    'Concat',
    'concatbase.h:133 PrepareForComputeImpl Non concat axis dimensions must match: Axis 1 has mismatched dimensions of 4 and 3',
  ),
  memory: run(
    'Expand',
    `${SOURCE}/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4000`,
  ),
  weights:
    'External data path validation failed for initializer: W. Error: tensorprotoutils.cc:461 ValidateExternalDataPathFromDir External data path does not exist: "/m/1/w.bin"',
  short:
    'Deserialize tensor W failed.tensorprotoutils.cc:1763 GetExtDataFromTensorProto External initializer: W offset: 0 size to read: 1024 given file_length: 100 are out of bounds or can not be read in full.',
  version: `Load model from /m/1/model.onnx failed:${SOURCE}/graph/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&, const onnxruntime::logging::Logger&) Unsupported model IR version: 99, max supported IR version: 13`,
  operator:
    'Load model from /m/1/model.onnx failed:This is an invalid model. In Node, ("", Foo, "", -1) : ("X": tensor(float),) -> ("Y": tensor(float),) , Error No Op registered for Foo with domain_version of 17',
};

describe('a native message', () => {
  it.each([
    [
      said.broadcast,
      "in the Add node '/layer/Add': Attempting to broadcast an axis by a dimension other than 1. 3 by 5",
    ],
    [
      said.gather,
      'in a Gather node: indices element out of data bounds, idx=77 must be within the inclusive range [-50,49]',
    ],
    [
      said.concat,
      'in a Concat node: Non concat axis dimensions must match: Axis 1 has mismatched dimensions of 4 and 3',
    ],
    [said.memory, 'in a Expand node: Failed to allocate memory for requested buffer of size 4000'],
    ['plain words', 'plain words'],
    ['a cause\nStacktrace:\n/lib/x.so(+0x1) [0x2]', 'a cause'],
  ])('is left with its cause: %s', (message, cause) => {
    expect(tidyNativeText(message)).toBe(cause);
  });

  it.each([
    [said.weights, 'its weights are in /m/1/w.bin, and that file is not there'],
    [said.short, "initializer 'W' has 1024 bytes, the file 100"],
    [said.version, 'it has IR version 99, and the newest known is 13'],
    [said.operator, 'operator Foo is unknown in operator set 17'],
  ])('at load is turned into a cause and a way out: %s', (message, cause) => {
    const { what, hint } = explainNativeError(tidyNativeText(message));
    expect(what).toContain(cause);
    expect(`${what} ${hint}`).not.toMatch(/onnxruntime_src|\.cc:|::/);
  });
});
