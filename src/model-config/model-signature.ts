/** What an ONNX graph takes and returns, read from the file without loading it into ONNX Runtime. */
import type { DataType } from '../kserve/data-types.js';

export interface ValueSignature {
  readonly name: string;
  readonly dataType: DataType;
  /** As declared in the graph, batch dimension included; -1 for a symbolic or unknown dimension. */
  readonly shape: readonly number[];
}

export interface ModelSignature {
  /** Graph inputs that are not initializers. */
  readonly inputs: readonly ValueSignature[];
  /** Graph inputs that are initializers too: requests may leave them out, and then the model's own values are used. */
  readonly overridableInputs?: readonly ValueSignature[];
  readonly outputs: readonly ValueSignature[];
  readonly opset: number;
  readonly producer: string;
}
