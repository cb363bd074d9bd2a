import { describe, expect, it } from 'vitest';
import { readAccelerators } from '../../src/onnxruntime/accelerator-settings.js';
import { findPrecisionProblems } from '../../src/onnxruntime/cpu-precision.js';

const asking = (parameters: Record<string, string>) =>
  readAccelerators({
    optimization: { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino', parameters }] } },
  }).providers;

describe('a reduced precision', () => {
  const forms: readonly Record<string, string>[] = [
    { inference_precision: 'bf16' },
    { inference_precision: 'f16' },
    { load_config: '{"CPU":{"INFERENCE_PRECISION_HINT":"bf16"}}' },
  ];

  it.each(forms)('is refused on a CPU that would compute in f32 all the same: %o', (parameters) => {
    expect(findPrecisionProblems(asking(parameters), () => ['sse2', 'avx2'])).toHaveLength(1);
    expect(findPrecisionProblems(asking(parameters), () => ['avx2', 'avx512_bf16'])).toEqual([]);
  });

  it('is taken where the system does not tell, and f32 is taken everywhere', () => {
    expect(findPrecisionProblems(asking({ inference_precision: 'bf16' }), () => undefined)).toEqual([]);
    expect(findPrecisionProblems(asking({}), () => ['sse2'])).toEqual([]);
  });
});
