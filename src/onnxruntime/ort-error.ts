/** A call into ONNX Runtime that did not succeed. Callers that know what it was for turn it into their own message. */
import type { ApiFunctions, Status } from './api-functions.js';
import { tidyNativeText } from './native-text.js';

/** Its message is the cause without ONNX Runtime's places in its source. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
  /** OrtErrorCode of the C API. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/**
 * Releases a status and throws what it says.
 * @throws OrtError unless `status` is null.
 */
export function checkStatus(api: ApiFunctions, status: Status): void {
  if (!status) return;
  const error = new OrtError(tidyNativeText(api.GetErrorMessage(status)), api.GetErrorCode(status));
  api.ReleaseStatus(status);
  throw error;
}
