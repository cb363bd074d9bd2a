/** Why ONNX Runtime could not load a model, in words that say what to do. */
import { PerfTsError, type Problem } from '../src/common/errors.js';
import { readModelSignature } from '../src/onnx/read-signature.js';
import { explainNativeError } from '../src/onnxruntime/native-error.js';

/** A file that is no complete ONNX model is found out by reading it; ONNX Runtime says little of it. */
export async function explainLoadFailure(message: string, modelFile: string): Promise<Problem | readonly Problem[]> {
  try {
    await readModelSignature(modelFile);
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return thrown.problems;
  }
  const { what, hint } = explainNativeError(message);
  return { where: modelFile, what: `ONNX Runtime cannot load the model: ${what}`, hint };
}
