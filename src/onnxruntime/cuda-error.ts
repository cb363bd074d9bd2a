/**
 * What CUDA's error numbers mean for someone who wants to serve a model, and what to do. The driver and the runtime
 * share the numbers (CUDA Runtime API, cudaError; CUDA Driver API, CUresult).
 */

interface CudaError {
  readonly what: string;
  readonly remedy: string;
}

const see = 'see whether nvidia-smi lists the GPU';

const errors: Readonly<Record<number, CudaError>> = {
  2: { what: 'the GPU has too little free memory', remedy: 'free some of it, or lower gpu_mem_limit' },
  3: { what: 'the driver could not be started', remedy: see },
  34: {
    what: 'the libcuda.so.1 that was found is a stub to link against, not a driver',
    remedy: "take the toolkit's stubs folder out of LD_LIBRARY_PATH",
  },
  35: {
    what: 'the driver is too old for the CUDA of this build',
    remedy: 'update the NVIDIA driver, or: perf-ts runtime install cuda12',
  },
  46: { what: 'the GPU is in use by another process alone', remedy: 'end that process, or change its compute mode' },
  100: {
    what: 'the driver finds no GPU',
    remedy: `${see} and what CUDA_VISIBLE_DEVICES says; in a container, start it with --gpus all`,
  },
  101: { what: 'there is no GPU of that number', remedy: 'change gpus of the instance group' },
  209: {
    what: 'the build has no code for this kind of GPU',
    remedy: 'install another release with: perf-ts runtime install cuda --release VERSION',
  },
  802: { what: 'the GPUs are not ready yet', remedy: "wait, or start NVIDIA's fabric manager" },
  803: {
    what: 'the driver and its kernel module have different versions',
    remedy: 'restart the machine after the update of the driver',
  },
  804: {
    what: 'this GPU does not take the forward compatible driver that was found',
    remedy: "take the folder of CUDA's compat libraries out of LD_LIBRARY_PATH",
  },
  999: { what: 'the driver failed without a reason', remedy: `${see}; its kernel module may not be loaded` },
};

/** `CUDA error 100: the driver finds no GPU`; the number alone where nothing is known of it. */
export function describeCudaError(code: number): string {
  const known = errors[code];
  return known === undefined ? `CUDA error ${code}` : `CUDA error ${code}: ${known.what}`;
}

/** What to do about the CUDA error that a reason tells of, in ONNX Runtime's words or in those of `describeCudaError`. */
export function cudaRemedyFor(reason: string): string | undefined {
  const code = /\bCUDA (?:failure|error) (\d+)/.exec(reason)?.[1];
  return code === undefined ? undefined : errors[Number(code)]?.remedy;
}
