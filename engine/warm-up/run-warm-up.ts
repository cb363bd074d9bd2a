/** Runs warm-up samples on a session. Values are made here, so that a sample of any size costs nothing to pass on. */

import { nowNs } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import { createRng, deriveSeed, type Rng } from '../../src/common/random.js';
import { type DataType, elementCount, elementSize } from '../../src/kserve/data-types.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import type { WarmUpInput, WarmUpRun, WarmUpSample } from './warm-up-sample.js';

const SEED = 20_260_101;

/**
 * Runs each sample as often as it says, and tells of each execution.
 * @throws Error that names the sample when an execution fails.
 */
export function runWarmUp(session: OrtSession, samples: readonly WarmUpSample[]): readonly WarmUpRun[] {
  const runs: WarmUpRun[] = [];
  samples.forEach(({ name, count, requestCount, inputs }, index) => {
    const rng = createRng(deriveSeed(SEED, index));
    const tensors = inputs.map((input) => toTensor(input, rng));
    try {
      for (let execution = 0; execution < count; execution++) {
        const startNs = nowNs();
        session.run(tensors);
        runs.push({ requestCount, startNs, endNs: nowNs(), wallClockMs: Date.now() });
      }
    } catch (thrown) {
      throw new Error(`model_warmup '${name}' failed: ${messageOf(thrown)}`, { cause: thrown });
    }
  });
  return runs;
}

function toTensor({ name, dataType, shape, source }: WarmUpInput, rng: Rng): Tensor {
  if (source.kind === 'file') return { name, dataType, shape, bytes: source.bytes };
  // An empty string is a length of zero; random strings are empty too, as in Triton.
  const bytes = new Uint8Array(elementCount(shape) * (elementSize(dataType) ?? 4));
  if (source.kind === 'random') fillRandom(bytes, dataType, rng);
  return { name, dataType, shape, bytes };
}

/** Floats in [0, 1), half-precision ones in [0.5, 1), and 0 or 1 for everything else, so that what is used as an index stays within range. */
function fillRandom(bytes: Uint8Array, dataType: DataType, rng: Rng): void {
  const size = elementSize(dataType);
  if (size === undefined) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += size) {
    const value = rng.next();
    if (dataType === 'FP32') view.setFloat32(at, value, true);
    else if (dataType === 'FP64') view.setFloat64(at, value, true);
    else if (dataType === 'FP16') view.setUint16(at, 0x3800 + Math.floor(value * 0x400), true);
    else if (dataType === 'BF16') view.setUint16(at, 0x3f00 + Math.floor(value * 0x80), true);
    else view.setUint8(at, value < 0.5 ? 0 : 1);
  }
}
