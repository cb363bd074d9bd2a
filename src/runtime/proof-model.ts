/**
 * The tiny model that a provider must run to count as proven: Y = Relu(Conv(X, W, B)) with a 3x3 kernel and two
 * channels, FP32, opset 13. All of its numbers are quarters, so every precision of a float gives the same answer.
 */

const MODEL_BASE64 =
  'CAcSB3BlcmYtdHM6zwEKEgoBWAoBVwoBQhIBQyIEQ29udgoMCgFDEgFZIgRSZWx1EgVwcm9vZipXCAIIAQgDCAMQAUIBV0pIAAAQwAAAAMAAAOC/AADA' +
  'vwAAoL8AAIC/AABAvwAAAL8AAIC+AAAAAAAAgD4AAAA/AABAPwAAgD8AAKA/AADAPwAA4D8AAABAKhEIAhABQgFCSggAAMA/AACgwVobCgFYEhYKFAgB' +
  'EhAKAggBCgIIAQoCCAQKAggEYhsKAVkSFgoUCAESEAoCCAEKAggCCgIIAgoCCAJCBAoAEA0=';

export const proofModel = (): Uint8Array => Buffer.from(MODEL_BASE64, 'base64');

export const proofInput = {
  name: 'X',
  shape: [1, 1, 4, 4],
  values: Float32Array.from({ length: 16 }, (_, i) => i - 8),
};

/** Worked out by hand from the definition of a convolution; the test does it again. */
export const proofAnswer: readonly number[] = [54.75, 43.5, 9.75, 0, 0, 0, 8.5, 17.5];
