/**
 * Asks a variant for its answers to inputs whose right answers are known, and tallies the differences. The right
 * answers are those of the unchanged model in ONNX Runtime on the CPU; the variant may be served by anything.
 */
import type { InferClient } from '../client/infer-client.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import type { ModelMetadata } from '../kserve/metadata.js';
import type { Tensor } from '../kserve/tensor.js';
import { noHalfCounts, toHalfBits } from '../onnx/convert/half-float.js';
import { loadOrtLibrary } from '../onnxruntime/library.js';
import { OrtError } from '../onnxruntime/ort-error.js';
import { OrtSession } from '../onnxruntime/session.js';
import { type AccuracyOptions, type AccuracyReport, AccuracyTally } from './accuracy.js';
import { makeSamples, type Sample, type SampleChoice } from './accuracy-samples.js';

/** Inputs and what the unchanged model makes of them. */
export interface ReferenceAnswers {
  readonly samples: readonly { readonly inputs: Sample; readonly outputs: readonly Tensor[] }[];
}

/** One request; all outputs of the model in any order. */
export type AskVariant = (inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;

/**
 * Runs the ONNX model in `modelFile` on the CPU provider of the bundled ONNX Runtime, in this process and blocking it
 * for each run.
 * @throws PerfTsError BAD_FILE when the model does not load or run there; as `makeSamples` for the inputs.
 */
export async function recordReference(modelFile: string, choice: SampleChoice): Promise<ReferenceAnswers> {
  let session: OrtSession | undefined;
  try {
    session = new OrtSession(loadOrtLibrary(), modelFile);
    const samples = await makeSamples(session.inputs, choice);
    const answered = [];
    for (const inputs of samples) answered.push({ inputs, outputs: session.run(inputs) });
    return { samples: answered };
  } catch (cause) {
    if (!(cause instanceof OrtError)) throw cause;
    const hint = 'the reference must run on the CPU in FP32';
    throw new PerfTsError('BAD_FILE', { where: modelFile, what: messageOf(cause), hint }, cause);
  } finally {
    session?.close();
  }
}

/**
 * The variant's answers against the reference, one request at a time.
 * @throws PerfTsError when a request fails or an answer has other outputs or shapes; INTERRUPTED after `signal`.
 */
export async function measureAccuracy(
  reference: ReferenceAnswers,
  ask: AskVariant,
  options: AccuracyOptions & { readonly signal?: AbortSignal } = {},
): Promise<AccuracyReport> {
  const tally = new AccuracyTally(options);
  for (const { inputs, outputs } of reference.samples) {
    if (options.signal?.aborted) throw new PerfTsError('INTERRUPTED', { what: 'stopped while answers were compared' });
    tally.add(outputs, await ask(inputs));
  }
  return tally.report();
}

export interface AskedModel {
  readonly metadata: ModelMetadata;
  /** Left out lets the server choose. */
  readonly version?: string;
  readonly timeoutMs: number;
}

/** Asks a server; an input that the variant takes in half precision is rounded to it, as its users would have to. */
export function askServer(client: InferClient, { metadata, version = '', timeoutMs }: AskedModel): AskVariant {
  const halves = new Set(metadata.inputs.filter(({ datatype }) => datatype === 'FP16').map(({ name }) => name));
  return (inputs) =>
    client.inferOnce(
      {
        modelName: metadata.name,
        modelVersion: version,
        inputs: inputs.map((tensor) => (halves.has(tensor.name) ? toHalf(tensor) : tensor)),
        outputNames: [],
      },
      timeoutMs,
    );
}

function toHalf(tensor: Tensor): Tensor {
  if (tensor.dataType !== 'FP32') return tensor;
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const values = Float32Array.from({ length: tensor.bytes.byteLength / 4 }, (_, index) =>
    view.getFloat32(index * 4, true),
  );
  const bits = toHalfBits(values, noHalfCounts());
  const bytes = new Uint8Array(bits.length * 2);
  const halves = new DataView(bytes.buffer);
  for (const [index, half] of bits.entries()) halves.setUint16(index * 2, half, true);
  return { ...tensor, dataType: 'FP16', bytes };
}
