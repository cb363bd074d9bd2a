/**
 * Asks a variant for its answers to inputs whose right answers are known, and tallies the differences. The right
 * answers are those of the unchanged model in ONNX Runtime on the CPU; the variant may be served by anything.
 */
import type { InferClient } from '../client/infer-client.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import type { ModelMetadata } from '../kserve/metadata.js';
import type { Tensor } from '../kserve/tensor.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { noHalfCounts, toHalfBits } from '../onnx/convert/half-float.js';
import { loadOrtLibrary } from '../onnxruntime/library.js';
import { explainNativeError } from '../onnxruntime/native-error.js';
import { OrtError } from '../onnxruntime/ort-error.js';
import { OrtSession } from '../onnxruntime/session.js';
import type { ModelLoad } from '../plan/load-plan.js';
import { explainRefusedValues } from '../plan/refused-values.js';
import { type AccuracyOptions, type AccuracyReport, AccuracyTally } from './accuracy.js';
import { makeSamples, planSamples, type Sample, type SampleChoice } from './accuracy-samples.js';
import { type ServedShapes, servedShapes } from './served-shapes.js';

/** Inputs and what the unchanged model makes of them. */
export interface ReferenceAnswers {
  readonly samples: readonly { readonly inputs: Sample; readonly outputs: readonly Tensor[] }[];
}

/** One request; all outputs of the model in any order. */
export type AskVariant = (inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;

export interface ReferenceModel {
  readonly name: string;
  readonly modelFile: string;
  /** As the model's folder has it, or completed; left out for a lone file, which is then served as a server would. */
  readonly config: ModelConfig | undefined;
}

/**
 * Runs the ONNX model on the CPU provider of the bundled ONNX Runtime, in this process and blocking it for each run. Inputs and
 * answers are in the shapes of the model's clients.
 * @throws PerfTsError BAD_FILE when the model does not load there, BAD_OPTION when it refuses the inputs; as
 * `makeSamples` for the inputs.
 */
export async function recordReference(
  { name, modelFile, config }: ReferenceModel,
  choice: SampleChoice,
): Promise<ReferenceAnswers> {
  const session = openSession(modelFile);
  try {
    const served = servedShapes(name, config, session);
    const plan = planSamples(name, served.config, choice);
    const samples = makeSamples(name, served.config, choice);
    return {
      samples: samples.map((inputs) => ({ inputs, outputs: runOnce(session, served, plan, inputs, modelFile) })),
    };
  } finally {
    session.close();
  }
}

function openSession(modelFile: string): OrtSession {
  try {
    return new OrtSession(loadOrtLibrary(), modelFile);
  } catch (cause) {
    if (!(cause instanceof OrtError)) throw cause;
    const { what } = explainNativeError(messageOf(cause));
    throw new PerfTsError('BAD_FILE', { where: modelFile, what, hint: 'it must run on the CPU' }, cause);
  }
}

/** A model on the CPU in this process, asked as a server would be. Throws PerfTsError BAD_FILE where it does not load. */
export async function openLocally({ name, modelFile, config }: ReferenceModel): Promise<{
  readonly ask: AskVariant;
  close(): void;
}> {
  const session = openSession(modelFile);
  const served = servedShapes(name, config, session);
  const halves = new Set(session.inputs.filter(({ dataType }) => dataType === 'FP16').map((input) => input.name));
  return {
    async ask(inputs) {
      try {
        const given = inputs.map((tensor) => served.toModel(halves.has(tensor.name) ? toHalf(tensor) : tensor));
        return session.run(given).flatMap((output) => served.toClient(output) ?? []);
      } catch (cause) {
        if (!(cause instanceof OrtError)) throw cause;
        throw new PerfTsError('BAD_FILE', { where: modelFile, what: messageOf(cause) }, cause);
      }
    },
    close: () => session.close(),
  };
}

function runOnce(
  session: OrtSession,
  served: ServedShapes,
  plan: ModelLoad,
  inputs: Sample,
  modelFile: string,
): readonly Tensor[] {
  try {
    return session.run(inputs.map((input) => served.toModel(input))).flatMap((output) => served.toClient(output) ?? []);
  } catch (cause) {
    if (!(cause instanceof OrtError)) throw cause;
    const message = messageOf(cause);
    const refused = explainRefusedValues(message, plan);
    if (refused !== undefined) throw new PerfTsError('BAD_OPTION', refused, cause);
    throw new PerfTsError(
      'BAD_FILE',
      { where: modelFile, what: `the model does not run on the CPU: ${message}` },
      cause,
    );
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
