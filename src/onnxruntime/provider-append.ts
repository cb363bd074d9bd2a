/** The ways in which ONNX Runtime adds an execution provider to session options. */
import type { ApiFunctions, Memory, Pointer, Status } from './api-functions.js';
import type { OrtLibrary } from './library.js';
import { checkStatus } from './ort-error.js';

export type ProviderValues = Readonly<Record<string, string>>;

/** Adds a provider with options by ONNX Runtime's names. Throws OrtError with ONNX Runtime's reason. */
export type AppendProvider = (library: OrtLibrary, options: Pointer, values: ProviderValues) => void;

/** For providers that ONNX Runtime adds by name. */
export const appendByName =
  (name: string): AppendProvider =>
  ({ api }, options, values) => {
    const keys = Object.keys(values);
    checkStatus(
      api,
      api.SessionOptionsAppendExecutionProvider(options, name, keys, Object.values(values), keys.length),
    );
  };

interface OptionsFunctions {
  create(api: ApiFunctions, place: Memory): Status;
  update(api: ApiFunctions, made: Pointer, keys: readonly string[], values: readonly string[], count: number): Status;
  append(api: ApiFunctions, options: Pointer, made: Pointer): Status;
  release(api: ApiFunctions, made: Pointer): void;
}

/** For providers with an options object of their own. Its update tells the whole reason when libraries are missing. */
const appendWithOptions =
  ({ create, update, append, release }: OptionsFunctions): AppendProvider =>
  ({ api }, options, values) => {
    const place = new BigUint64Array(1);
    checkStatus(api, create(api, place));
    const made = place[0]!;
    try {
      const keys = Object.keys(values);
      checkStatus(api, update(api, made, keys, Object.values(values), keys.length));
      checkStatus(api, append(api, options, made));
    } finally {
      release(api, made);
    }
  };

export const appendCuda = appendWithOptions({
  create: (api, place) => api.CreateCUDAProviderOptions(place),
  update: (api, made, keys, values, count) => api.UpdateCUDAProviderOptions(made, keys, values, count),
  append: (api, options, made) => api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, made),
  release: (api, made) => api.ReleaseCUDAProviderOptions(made),
});

export const appendTensorRt = appendWithOptions({
  create: (api, place) => api.CreateTensorRTProviderOptions(place),
  update: (api, made, keys, values, count) => api.UpdateTensorRTProviderOptions(made, keys, values, count),
  append: (api, options, made) => api.SessionOptionsAppendExecutionProvider_TensorRT_V2(options, made),
  release: (api, made) => api.ReleaseTensorRTProviderOptions(made),
});
