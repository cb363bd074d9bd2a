/** The shared memory, trace and logging calls as methods of this front end: decode, ask `extension-answers`, encode. */
import {
  decodeExtensionRequest,
  type ExtensionCalls,
  type ExtensionMethod,
  encodeExtensionResponse,
  type LogSettingValue,
} from '../../../src/kserve/extension-codec.js';
import { failureOf } from '../call-failure.js';
import type { EngineServices } from '../engine-services.js';
import {
  answerLogSettings,
  answerTraceSettings,
  cudaRegions,
  refuseCudaRegion,
  registerSystemRegion,
  systemRegions,
  unregisterSystemRegion,
} from '../extension-answers.js';
import type { ModelSource } from '../model-source.js';
import type { GrpcMethod } from './grpc-method.js';

type Answers = {
  readonly [M in ExtensionMethod]: (
    request: ExtensionCalls[M]['request'],
    services: EngineServices,
    source: ModelSource,
  ) => ExtensionCalls[M]['response'];
};

const byName = <T extends { readonly name: string }>(regions: readonly T[]): Readonly<Record<string, T>> =>
  Object.fromEntries(regions.map((region) => [region.name, region]));

const answers: Answers = {
  SystemSharedMemoryStatus: ({ name }, services) => ({ regions: byName(systemRegions(services, name)) }),
  SystemSharedMemoryRegister: (region, services) => {
    registerSystemRegion(services, region);
    return {};
  },
  SystemSharedMemoryUnregister: ({ name }, services) => {
    unregisterSystemRegion(services, name);
    return {};
  },
  CudaSharedMemoryStatus: ({ name }) => ({ regions: byName(cudaRegions(name)) }),
  CudaSharedMemoryRegister: ({ name }) => refuseCudaRegion(name),
  CudaSharedMemoryUnregister: () => ({}),
  TraceSetting: ({ settings, model_name: modelName }, services, source) => {
    const changes = Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value]));
    const values = answerTraceSettings(source, services, modelName, changes);
    return { settings: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])) };
  },
  LogSettings: ({ settings }, services) => {
    const changes = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, plainValue(value)]));
    const values = answerLogSettings(services, changes);
    return { settings: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, wireValue(value)])) };
  },
};

/** Null for a setting that came without a value, which is of no type. */
const plainValue = ({ bool_param, uint32_param, string_param }: LogSettingValue): boolean | number | string | null =>
  bool_param ?? uint32_param ?? string_param ?? null;

function wireValue(value: boolean | number | string): LogSettingValue {
  if (typeof value === 'boolean') return { bool_param: value };
  return typeof value === 'number' ? { uint32_param: value } : { string_param: value };
}

export const extensionMethods = Object.keys(answers) as readonly ExtensionMethod[];

export const createExtensionMethod = <M extends ExtensionMethod>(
  method: M,
  source: ModelSource,
  services: EngineServices,
): GrpcMethod => ({
  isStreaming: false,
  keepsRequest: false,
  invoke(bytes, start, end, reply) {
    try {
      const request = decodeExtensionRequest(method, bytes.subarray(start, end));
      reply.succeed(encodeExtensionResponse(method, answers[method](request, services, source)));
    } catch (thrown) {
      reply.fail(failureOf(thrown));
    }
  },
});
