import { describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../engine/inference.js';
import { type AcceptedRequest, checkRequest } from '../../engine/request-check.js';
import { instant } from '../../src/common/units.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import { bytesOf, floats, framed, tensor } from '../support/model-files.js';

// The messages are those of a Triton 2.51 with the same two models, asked in the same ways.
const addSub: AcceptedRequest = {
  modelName: 'add_sub',
  maxBatchSize: 8,
  inputs: [
    { name: 'INPUT0', dataType: 'FP32', dims: [4] },
    { name: 'INPUT1', dataType: 'FP32', dims: [4] },
  ],
  outputNames: new Set(['OUTPUT0', 'OUTPUT1']),
};
const text: AcceptedRequest = {
  modelName: 'text',
  maxBatchSize: 8,
  inputs: [{ name: 'TEXT', dataType: 'BYTES', dims: [2] }],
  outputNames: new Set(['ECHO']),
};

const request = (inputs: readonly Tensor[], parts: Partial<InferenceRequest> = {}): InferenceRequest => ({
  id: '',
  inputs,
  requestedOutputs: [],
  batchSize: 1,
  priority: 0,
  timeoutUs: 0,
  receivedAt: instant(0),
  isCancelled: () => false,
  ...parts,
});
const zeros = (name: string, shape: number[]): Tensor =>
  floats(name, shape, new Array<number>(shape.reduce((product, size) => product * Math.max(0, size), 1)).fill(0));
const messageFor = (inputs: readonly Tensor[], accepted = addSub, parts: Partial<InferenceRequest> = {}) =>
  checkRequest(request(inputs, parts), accepted)?.message;

const a = zeros('INPUT0', [1, 4]);
const b = zeros('INPUT1', [1, 4]);
const strings = (bytes: Uint8Array) => messageFor([tensor('TEXT', 'BYTES', [1, 2], bytes)], text);

describe('a request', () => {
  it('is accepted with its inputs in any order, up to the max batch size', () => {
    expect(messageFor([a, b])).toBeUndefined();
    expect(messageFor([b, a])).toBeUndefined();
    expect(messageFor([zeros('INPUT0', [8, 4]), zeros('INPUT1', [8, 4])])).toBeUndefined();
    expect(messageFor([a, b], addSub, { requestedOutputs: ['OUTPUT1'] })).toBeUndefined();
  });

  it('is refused as an invalid argument', () => {
    expect(checkRequest(request([]), addSub)?.status).toBe('INVALID_ARGUMENT');
  });

  it('needs all inputs', () => {
    expect(messageFor([a])).toBe(
      "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'add_sub'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    );
    expect(messageFor([], addSub, { id: '42' })).toBe(
      "[request id: 42] expected 2 inputs but got 0 inputs for model 'add_sub'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1']. Please provide all required input(s).",
    );
  });

  it('has no other inputs, and none twice', () => {
    expect(messageFor([a, zeros('X', [1, 4])])).toBe("unexpected inference input 'X' for model 'add_sub'");
    expect(messageFor([a, a])).toBe("[request id: <id_unknown>] input 'INPUT0' already exists in request");
    expect(messageFor([a, b, zeros('X', [1, 4])])).toMatch(/expected 2 inputs but got 3 inputs/);
  });

  it('asks only for outputs that there are', () => {
    expect(messageFor([a, b], addSub, { requestedOutputs: ['NOPE'] })).toBe(
      "unexpected inference output 'NOPE' for model 'add_sub'",
    );
  });

  it('has the model’s data types', () => {
    expect(messageFor([{ ...a, dataType: 'INT32' }, b])).toBe(
      "[request id: <id_unknown>] inference input 'INPUT0' data-type is 'INT32', but model 'add_sub' expects 'FP32'",
    );
  });

  it('has the model’s shapes', () => {
    expect(messageFor([zeros('INPUT0', [1, 3]), b])).toBe(
      "[request id: <id_unknown>] unexpected shape for input 'INPUT0' for model 'add_sub'. Expected [-1,4], got [1,3]. NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. See the model configuration docs for more info on max_batch_size.",
    );
    expect(messageFor([zeros('INPUT0', [1, 4, 1]), b])).toMatch(/unexpected shape for input 'INPUT0'/);
    expect(messageFor([zeros('INPUT0', []), b])).toBe(
      "[request id: <id_unknown>] input 'INPUT0' has no shape but model requires batch dimension for 'add_sub'",
    );
  });

  it('has a shape of whole sizes where the model takes any', () => {
    const open: AcceptedRequest = { ...addSub, maxBatchSize: 0, inputs: [{ name: 'X', dataType: 'FP32', dims: [-1] }] };
    expect(messageFor([zeros('X', [0])], open)).toBeUndefined();
    expect(messageFor([zeros('X', [5])], open)).toBeUndefined();
    for (const size of [-1, 1.5, Number.NaN]) {
      expect(messageFor([tensor('X', 'FP32', [size], new Uint8Array(4))], open)).toMatch(/Expected \[-1\], got/);
    }
  });

  it('has from one row to the max batch size, the same in all inputs', () => {
    expect(messageFor([zeros('INPUT0', [9, 4]), zeros('INPUT1', [9, 4])])).toBe(
      "[request id: <id_unknown>] inference request batch-size must be <= 8 for 'add_sub'",
    );
    expect(messageFor([zeros('INPUT0', [2, 4]), b])).toBe(
      "[request id: <id_unknown>] input 'INPUT1' batch size does not match other inputs for 'add_sub'",
    );
    expect(messageFor([zeros('INPUT0', [0, 4]), zeros('INPUT1', [0, 4])])).toMatch(/batch-size must be >= 1/);
  });

  it('has as many bytes as its shape says', () => {
    expect(messageFor([tensor('INPUT0', 'FP32', [1, 4], new Uint8Array(8)), b])).toBe(
      "[request id: <id_unknown>] input byte size mismatch for input 'INPUT0' for model 'add_sub'. Expected 16, got 8",
    );
  });
});

describe('strings in a request', () => {
  it('are as many as the shape says', () => {
    expect(strings(framed(['a', 'bc']))).toBeUndefined();
    expect(strings(framed(['', '']))).toBeUndefined();
    expect(strings(framed(['a']))).toBe(
      "[request id: <id_unknown>] expected 2 string elements for inference input 'TEXT' for model 'text', got 1",
    );
    expect(strings(framed(['a', 'a', 'a']))).toBe(
      "[request id: <id_unknown>] unexpected number of string elements 3 for inference input 'TEXT' for model 'text', expecting 2",
    );
  });

  it('are whole', () => {
    expect(strings(Buffer.concat([framed(['a']), Uint8Array.of(1, 0)]))).toBe(
      "[request id: <id_unknown>] incomplete string length indicator for inference input 'TEXT' for model 'text', expecting 4 bytes but only 2 bytes available. Please make sure the string length indicator is in one buffer.",
    );
    expect(strings(Buffer.concat([framed(['a']), bytesOf(Uint32Array.of(9)), Buffer.from('abc')]))).toBe(
      "incomplete string data for inference input 'TEXT', expecting string of length 9 but only 3 bytes available",
    );
    expect(strings(Buffer.concat([framed(['a']), bytesOf(Uint32Array.of(0xffffffff))]))).toMatch(/length 4294967295/);
  });
});
