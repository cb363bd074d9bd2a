/**
 * What a model takes and returns. The truth is what ONNX Runtime's session says once it has inferred shapes
 * (src/onnxruntime/inspect-model.ts); what a file declares may be looser or wrong.
 */
import type { DataType } from '../kserve/data-types.js';

export interface ValueSignature {
  readonly name: string;
  readonly dataType: DataType;
  /** Batch dimension included; -1 for a symbolic or unknown dimension. [] for a scalar and for a shape that is not known. */
  readonly shape: readonly number[];
}

export interface ModelSignature {
  /** Graph inputs that are not initializers. */
  readonly inputs: readonly ValueSignature[];
  /** Graph inputs that are initializers too: requests may leave them out, and then the model's own values are used. */
  readonly overridableInputs?: readonly ValueSignature[];
  readonly outputs: readonly ValueSignature[];
}
