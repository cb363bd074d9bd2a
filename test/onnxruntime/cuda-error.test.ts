import { expect, it } from 'vitest';
import { cudaRemedyFor, describeCudaError } from '../../src/onnxruntime/cuda-error.js';

it('a CUDA error that is known is told in words, any other by its number', () => {
  expect(describeCudaError(100)).toBe('CUDA error 100: the driver finds no GPU');
  expect(describeCudaError(714)).toBe('CUDA error 714');
});

it.each([
  ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', 'perf-ts runtime install cuda12'],
  ['the NVIDIA driver does not start: CUDA error 100: the driver finds no GPU', '--gpus all'],
  ['CUDA failure 803: system has unsupported display driver / cuda driver combination', 'restart the machine'],
  ['CUDA failure 2: out of memory', 'gpu_mem_limit'],
])('what to do is known for: %s', (reason, remedy) => {
  expect(cudaRemedyFor(reason)).toContain(remedy);
});

it('nothing is advised for what is no CUDA error, or an unknown one', () => {
  expect(cudaRemedyFor('libcublas.so.13 was not found')).toBeUndefined();
  expect(cudaRemedyFor('CUDA failure 714: operation failed')).toBeUndefined();
});
