/**
 * The builds that `runtime install` knows by name: from which packages, which versions, and which of their files. A
 * build for GPUs also needs NVIDIA's libraries, each taken from a package of its own unless the system has it.
 */
import type { VersionRange } from './wheel-name.js';

export interface MemberRule {
  /** Matched against the file's name without its folders. */
  readonly pattern: RegExp;
  readonly isRequired: boolean;
}

export interface PackageRecipe {
  readonly project: string;
  readonly versions: VersionRange;
  readonly members: readonly MemberRule[];
}

export interface LibraryRecipe extends PackageRecipe {
  /** The file that the provider asks the system's loader for; with it there, the package is not needed. */
  readonly soname: string;
}

export interface RuntimeRecipe {
  readonly name: string;
  readonly summary: string;
  readonly package: PackageRecipe;
  /** In the order in which they must be loaded. */
  readonly libraries: readonly LibraryRecipe[];
}

const needed = (pattern: RegExp): MemberRule => ({ pattern, isRequired: true });
const wanted = (pattern: RegExp): MemberRule => ({ pattern, isRequired: false });

/** Wheels hold the same library under several names; one, the name that others link to, is enough. */
const openVino: RuntimeRecipe = {
  name: 'openvino',
  summary: 'ONNX Runtime with OpenVINO, for Intel and AMD CPUs',
  package: {
    project: 'onnxruntime-openvino',
    versions: { low: '1.22', below: '2' },
    members: [
      needed(/^libonnxruntime\.so\.\d+\.\d+\.\d+$/),
      needed(/^libonnxruntime_providers_shared\.so$/),
      needed(/^libonnxruntime_providers_openvino\.so$/),
      needed(/^libopenvino\.so\.\d+$/),
      needed(/^libopenvino_onnx_frontend\.so\.\d+$/),
      needed(/^libopenvino_intel_cpu_plugin\.so$/),
      needed(/^libtbb\.so\.\d+$/),
    ],
  },
  libraries: [],
};

const gpuMembers: readonly MemberRule[] = [
  needed(/^libonnxruntime\.so\.\d+\.\d+\.\d+$/),
  needed(/^libonnxruntime_providers_shared\.so$/),
  needed(/^libonnxruntime_providers_cuda\.so$/),
  // Left out of some platforms' wheels.
  wanted(/^libonnxruntime_providers_tensorrt\.so$/),
];

function library(soname: string, project: string, versions: VersionRange, ...others: RegExp[]): LibraryRecipe {
  const own = new RegExp(`^${soname.replaceAll('.', '\\.')}$`);
  return { soname, project, versions, members: [needed(own), ...others.map(wanted)] };
}

const between = (low: string, below: string): VersionRange => ({ low, below });

const cuda: RuntimeRecipe = {
  name: 'cuda',
  summary: 'ONNX Runtime with CUDA 13 and TensorRT, for NVIDIA GPUs',
  package: { project: 'onnxruntime-gpu', versions: between('1.27', '2'), members: gpuMembers },
  libraries: [
    library('libcudart.so.13', 'nvidia-cuda-runtime', between('13', '14')),
    library('libcublasLt.so.13', 'nvidia-cublas', between('13', '14'), /^libcublas\.so\.13$/),
    library('libcublas.so.13', 'nvidia-cublas', between('13', '14'), /^libcublasLt\.so\.13$/),
    library('libcurand.so.10', 'nvidia-curand', between('10', '11')),
    library('libcufft.so.12', 'nvidia-cufft', between('12', '13')),
    library('libnvrtc.so.13', 'nvidia-cuda-nvrtc', between('13', '14'), /^libnvrtc-builtins\.so\.13\.\d+$/),
    library('libcudnn.so.9', 'nvidia-cudnn-cu13', between('9', '10'), /^libcudnn_\w+\.so\.9$/),
  ],
};

const cuda12: RuntimeRecipe = {
  name: 'cuda12',
  summary: 'ONNX Runtime with CUDA 12 and TensorRT, for NVIDIA GPUs with an older driver',
  package: { project: 'onnxruntime-gpu', versions: between('1.20', '1.27'), members: gpuMembers },
  libraries: [
    library('libcudart.so.12', 'nvidia-cuda-runtime-cu12', between('12', '13')),
    library('libcublasLt.so.12', 'nvidia-cublas-cu12', between('12', '13'), /^libcublas\.so\.12$/),
    library('libcublas.so.12', 'nvidia-cublas-cu12', between('12', '13'), /^libcublasLt\.so\.12$/),
    library('libcurand.so.10', 'nvidia-curand-cu12', between('10', '11')),
    library('libcufft.so.11', 'nvidia-cufft-cu12', between('11', '12')),
    library('libnvrtc.so.12', 'nvidia-cuda-nvrtc-cu12', between('12', '13'), /^libnvrtc-builtins\.so\.12\.\d+$/),
    library('libcudnn.so.9', 'nvidia-cudnn-cu12', between('9', '10'), /^libcudnn_\w+\.so\.9$/),
  ],
};

export const runtimeRecipes: readonly RuntimeRecipe[] = [openVino, cuda, cuda12];

/** The shared libraries of any other wheel that carries ONNX Runtime, without Python's own module. */
export const anyRuntimeMembers: readonly MemberRule[] = [
  needed(/^libonnxruntime\.so(\.\d+)*$/),
  wanted(/^lib(?!onnxruntime\.so).*\.so(\.\d+)*$/),
];
