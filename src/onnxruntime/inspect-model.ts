/**
 * What a model takes and returns by the word of ONNX Runtime, which infers shapes that the file leaves open or has
 * wrong: the same that a server completes and checks configs with. Everyone outside the engine asks here.
 */
import { basename } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import type { ModelSignature } from '../model-config/model-signature.js';
import { bundledLibraryPath } from './library-path.js';
import { explainNativeError } from './native-error.js';
import { type ProofOptions, proveSession } from './session-proof.js';
import type { SessionSettings } from './session-settings.js';

export interface ModelToInspect {
  readonly modelFile: string;
  /** The bundled one unless given. */
  readonly ortLibrary?: string | undefined;
  /** Optimizing may tell more of the shapes, so the graph level of the config belongs here. */
  readonly settings?: SessionSettings;
}

/**
 * In a process of its own, so that nothing native can end the calling one; it takes as long as loading the model.
 * @throws PerfTsError BAD_FILE for a model that no session can be made of.
 */
export async function inspectModel(
  { modelFile, ortLibrary = bundledLibraryPath(), settings = {} }: ModelToInspect,
  options: ProofOptions = {},
): Promise<ModelSignature> {
  // Where it runs and how fast is not asked.
  const { providers: _, optimizedModelFile: __, ...others } = settings;
  const proof = await proveSession(
    { ortLibrary, modelFile, settings: { ...others, intraOpThreads: 1 }, isQuiet: true },
    options,
  );
  if (proof.state === 'proven') return proof.signature;
  const { what, hint } = explainNativeError(proof.reason);
  throw new PerfTsError('BAD_FILE', {
    where: modelFile,
    what: `ONNX Runtime cannot load ${basename(modelFile)}: ${what}`,
    hint,
  });
}
