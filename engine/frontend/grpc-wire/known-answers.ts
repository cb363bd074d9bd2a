/**
 * Encodes ModelInferResponse, and remembers the last few forms: a model answers again and again with the same names,
 * types and shapes. An answer of a known form is its bytes with the tensors' contents put in their places.
 */
import { copyBytes } from '../../../src/http2/copy-bytes.js';
import { encodeInferResponse } from '../../../src/kserve/infer-codec.js';
import type { InferOutput } from '../../../src/kserve/tensor.js';
import { delimitedSize } from '../../../src/kserve/wire-writer.js';

const MAX_KNOWN = 4;
/** Each form keeps an answer; of larger ones the description is a small part anyway. */
const MAX_ANSWER_BYTES = 16_384;
/** Misses in a row after which only now and then one is remembered: each request has an id of its own, say. */
const PATIENCE = 64;

/** Description of one tensor, and where its contents lie in the answer. */
interface TensorForm {
  readonly name: string;
  readonly dataType: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly at: number;
}

interface AnswerForm {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly tensors: readonly TensorForm[];
  /** A whole answer; the contents are those of the last one. */
  readonly bytes: Uint8Array;
}

export class KnownAnswers {
  private readonly known: AnswerForm[] = [];
  private next = 0;
  private misses = 0;

  /** The encoded answer; its bytes are valid until the next call. */
  encode(modelName: string, modelVersion: string, id: string, outputs: readonly InferOutput[]): Uint8Array {
    const { known } = this;
    for (let place = 0; place < known.length; place++) {
      const form = known[place]!;
      if (form.id !== id || form.modelName !== modelName || form.modelVersion !== modelVersion) continue;
      if (!hasForm(outputs, form.tensors)) continue;
      this.misses = 0;
      return fill(form, outputs);
    }
    const bytes = encodeInferResponse({ modelName, modelVersion, id, outputs });
    this.misses++;
    const isWorthIt = this.misses < PATIENCE || this.misses % PATIENCE === 0;
    if (isWorthIt && bytes.length <= MAX_ANSWER_BYTES) {
      this.known[this.next] = { modelName, modelVersion, id, tensors: formsOf(outputs, bytes.length), bytes };
      this.next = (this.next + 1) % MAX_KNOWN;
    }
    return bytes;
  }
}

/** The contents are the last fields of the message, one after the other. */
function formsOf(outputs: readonly InferOutput[], answerBytes: number): readonly TensorForm[] {
  let at = answerBytes - outputs.reduce((sum, { bytes }) => sum + delimitedSize(bytes.byteLength), 0);
  return outputs.map(({ name, dataType, shape, bytes: { byteLength } }) => {
    at += delimitedSize(byteLength);
    return { name, dataType, shape, byteLength, at: at - byteLength };
  });
}

function hasForm(outputs: readonly InferOutput[], forms: readonly TensorForm[]): boolean {
  if (outputs.length !== forms.length) return false;
  for (let place = 0; place < forms.length; place++) {
    const output = outputs[place]!;
    const form = forms[place]!;
    if (output.name !== form.name || output.dataType !== form.dataType) return false;
    if (output.bytes.byteLength !== form.byteLength || !isSameShape(output.shape, form.shape)) return false;
  }
  return true;
}

function isSameShape(shape: readonly number[], other: readonly number[]): boolean {
  if (shape === other) return true;
  if (shape.length !== other.length) return false;
  for (let axis = 0; axis < shape.length; axis++) if (shape[axis] !== other[axis]) return false;
  return true;
}

function fill({ tensors, bytes }: AnswerForm, outputs: readonly InferOutput[]): Uint8Array {
  for (let place = 0; place < tensors.length; place++) {
    const { at, byteLength } = tensors[place]!;
    copyBytes(outputs[place]!.bytes, 0, byteLength, bytes, at);
  }
  return bytes;
}
