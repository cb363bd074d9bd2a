/**
 * The functions of ONNX Runtime's C API that perf-ts calls: their C signatures for koffi and their TypeScript faces.
 * Pointers are bigint (0n is null); arrays and places for results are typed arrays, which koffi passes by address.
 */
import koffi, { type TypeObject } from 'koffi';

/** A native address; 0n or null is the null pointer. */
export type Pointer = bigint;
/** An OrtStatus*: null when the call succeeded. */
export type Status = Pointer | null;
/** Memory that the callee reads or fills during the call; typed arrays over shared memory are allowed. */
export type Memory = NodeJS.TypedArray | Pointer | null;

/** Functions with a question mark came later than the oldest version that perf-ts takes, and may be missing. */
export interface ApiFunctions {
  GetErrorCode(status: Pointer): number;
  GetErrorMessage(status: Pointer): string;
  ReleaseStatus(status: Pointer): void;
  CreateEnv(logLevel: number, logId: string, env: Memory): Status;
  DisableTelemetryEvents(env: Pointer): Status;

  CreateSessionOptions(options: Memory): Status;
  SetSessionExecutionMode(options: Pointer, mode: number): Status;
  EnableMemPattern(options: Pointer): Status;
  DisableMemPattern(options: Pointer): Status;
  EnableCpuMemArena(options: Pointer): Status;
  DisableCpuMemArena(options: Pointer): Status;
  SetSessionLogSeverityLevel(options: Pointer, level: number): Status;
  SetSessionGraphOptimizationLevel(options: Pointer, level: number): Status;
  /** The optimised model is written there when a session is made. */
  SetOptimizedModelFilePath(options: Pointer, file: string): Status;
  SetIntraOpNumThreads(options: Pointer, count: number): Status;
  SetInterOpNumThreads(options: Pointer, count: number): Status;
  AddSessionConfigEntry(options: Pointer, key: string, value: string): Status;
  SessionOptionsAppendExecutionProvider(
    options: Pointer,
    provider: string,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ): Status;
  CreateCUDAProviderOptions(providerOptions: Memory): Status;
  UpdateCUDAProviderOptions(
    providerOptions: Pointer,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ): Status;
  SessionOptionsAppendExecutionProvider_CUDA_V2(options: Pointer, providerOptions: Pointer): Status;
  ReleaseCUDAProviderOptions(providerOptions: Pointer): void;
  CreateTensorRTProviderOptions(providerOptions: Memory): Status;
  UpdateTensorRTProviderOptions(
    providerOptions: Pointer,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ): Status;
  SessionOptionsAppendExecutionProvider_TensorRT_V2(options: Pointer, providerOptions: Pointer): Status;
  ReleaseTensorRTProviderOptions(providerOptions: Pointer): void;
  ReleaseSessionOptions(options: Pointer): void;
  CreateRunOptions(options: Memory): Status;
  AddRunConfigEntry(options: Pointer, key: string, value: string): Status;
  ReleaseRunOptions(options: Pointer): void;

  CreateSession(env: Pointer, file: string, options: Pointer, session: Memory): Status;
  SessionGetInputCount(session: Pointer, count: Memory): Status;
  SessionGetOutputCount(session: Pointer, count: Memory): Status;
  SessionGetInputName(session: Pointer, index: number, allocator: Pointer, name: Memory): Status;
  SessionGetOutputName(session: Pointer, index: number, allocator: Pointer, name: Memory): Status;
  SessionGetInputTypeInfo(session: Pointer, index: number, typeInfo: Memory): Status;
  SessionGetOutputTypeInfo(session: Pointer, index: number, typeInfo: Memory): Status;
  SessionGetOverridableInitializerCount(session: Pointer, count: Memory): Status;
  SessionGetOverridableInitializerName(session: Pointer, index: number, allocator: Pointer, name: Memory): Status;
  SessionGetOverridableInitializerTypeInfo(session: Pointer, index: number, typeInfo: Memory): Status;
  Run(
    session: Pointer,
    runOptions: Pointer | null,
    inputNames: Memory,
    inputs: Memory,
    inputCount: number,
    outputNames: Memory,
    outputCount: number,
    outputs: Memory,
  ): Status;
  ReleaseSession(session: Pointer): void;
  /** Subgraphs by provider, when the session option for it is set; the session keeps them. */
  Session_GetEpGraphAssignmentInfo?(session: Pointer, subgraphs: Memory, count: Memory): Status;
  EpAssignedSubgraph_GetEpName?(subgraph: Pointer, name: Memory): Status;
  EpAssignedSubgraph_GetNodes?(subgraph: Pointer, nodes: Memory, count: Memory): Status;

  GetOnnxTypeFromTypeInfo(typeInfo: Pointer, type: Memory): Status;
  CastTypeInfoToTensorInfo(typeInfo: Pointer, tensorInfo: Memory): Status;
  GetTensorElementType(tensorInfo: Pointer, type: Memory): Status;
  GetDimensionsCount(tensorInfo: Pointer, count: Memory): Status;
  GetDimensions(tensorInfo: Pointer, dims: Memory, count: number): Status;
  ReleaseTypeInfo(typeInfo: Pointer): void;

  GetAllocatorWithDefaultOptions(allocator: Memory): Status;
  AllocatorFree(allocator: Pointer, memory: Pointer): Status;
  /** The allocator that a session uses for the memory described. */
  CreateAllocator(session: Pointer, memoryInfo: Pointer, allocator: Memory): Status;
  ReleaseAllocator(allocator: Pointer): void;
  AllocatorGetStats?(allocator: Pointer, stats: Memory): Status;
  GetKeyValue?(pairs: Pointer, key: string): string | null;
  ReleaseKeyValuePairs?(pairs: Pointer): void;
  CreateCpuMemoryInfo(allocatorType: number, memoryType: number, memoryInfo: Memory): Status;
  CreateTensorWithDataAsOrtValue(
    memoryInfo: Pointer,
    bytes: Memory,
    byteLength: number,
    shape: Memory,
    rank: number,
    elementType: number,
    value: Memory,
  ): Status;
  CreateTensorAsOrtValue(allocator: Pointer, shape: Memory, rank: number, elementType: number, value: Memory): Status;
  GetTensorTypeAndShape(value: Pointer, tensorInfo: Memory): Status;
  ReleaseTensorTypeAndShapeInfo(tensorInfo: Pointer): void;
  GetTensorMutableData(value: Pointer, address: Memory): Status;
  GetResizedStringTensorElementBuffer(value: Pointer, index: number, byteLength: number, address: Memory): Status;
  GetStringTensorDataLength(value: Pointer, byteLength: Memory): Status;
  GetStringTensorContent(value: Pointer, bytes: Memory, byteLength: number, offsets: Memory, count: number): Status;
  ReleaseValue(value: Pointer): void;
}

export type ApiFunctionName = keyof ApiFunctions;

const ptr = 'void *';
const texts = 'const char **';
// A file name is ORTCHAR_T*: wide on Windows.
const path = process.platform === 'win32' ? 'str16' : 'str';

/** Argument types; the result is an OrtStatus* unless `results` says otherwise. */
const argumentTypes: Readonly<Record<ApiFunctionName, readonly string[]>> = {
  GetErrorCode: [ptr],
  GetErrorMessage: [ptr],
  ReleaseStatus: [ptr],
  CreateEnv: ['int', 'str', ptr],
  DisableTelemetryEvents: [ptr],
  CreateSessionOptions: [ptr],
  SetSessionExecutionMode: [ptr, 'int'],
  EnableMemPattern: [ptr],
  DisableMemPattern: [ptr],
  EnableCpuMemArena: [ptr],
  DisableCpuMemArena: [ptr],
  SetSessionLogSeverityLevel: [ptr, 'int'],
  SetSessionGraphOptimizationLevel: [ptr, 'int'],
  SetOptimizedModelFilePath: [ptr, path],
  SetIntraOpNumThreads: [ptr, 'int'],
  SetInterOpNumThreads: [ptr, 'int'],
  AddSessionConfigEntry: [ptr, 'str', 'str'],
  SessionOptionsAppendExecutionProvider: [ptr, 'str', texts, texts, 'size_t'],
  CreateCUDAProviderOptions: [ptr],
  UpdateCUDAProviderOptions: [ptr, texts, texts, 'size_t'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [ptr, ptr],
  ReleaseCUDAProviderOptions: [ptr],
  CreateTensorRTProviderOptions: [ptr],
  UpdateTensorRTProviderOptions: [ptr, texts, texts, 'size_t'],
  SessionOptionsAppendExecutionProvider_TensorRT_V2: [ptr, ptr],
  ReleaseTensorRTProviderOptions: [ptr],
  ReleaseSessionOptions: [ptr],
  CreateRunOptions: [ptr],
  AddRunConfigEntry: [ptr, 'str', 'str'],
  ReleaseRunOptions: [ptr],
  CreateSession: [ptr, path, ptr, ptr],
  SessionGetInputCount: [ptr, ptr],
  SessionGetOutputCount: [ptr, ptr],
  SessionGetInputName: [ptr, 'size_t', ptr, ptr],
  SessionGetOutputName: [ptr, 'size_t', ptr, ptr],
  SessionGetInputTypeInfo: [ptr, 'size_t', ptr],
  SessionGetOutputTypeInfo: [ptr, 'size_t', ptr],
  SessionGetOverridableInitializerCount: [ptr, ptr],
  SessionGetOverridableInitializerName: [ptr, 'size_t', ptr, ptr],
  SessionGetOverridableInitializerTypeInfo: [ptr, 'size_t', ptr],
  Run: [ptr, ptr, ptr, ptr, 'size_t', ptr, 'size_t', ptr],
  ReleaseSession: [ptr],
  Session_GetEpGraphAssignmentInfo: [ptr, ptr, ptr],
  EpAssignedSubgraph_GetEpName: [ptr, ptr],
  EpAssignedSubgraph_GetNodes: [ptr, ptr, ptr],
  GetOnnxTypeFromTypeInfo: [ptr, ptr],
  CastTypeInfoToTensorInfo: [ptr, ptr],
  GetTensorElementType: [ptr, ptr],
  GetDimensionsCount: [ptr, ptr],
  GetDimensions: [ptr, ptr, 'size_t'],
  ReleaseTypeInfo: [ptr],
  GetAllocatorWithDefaultOptions: [ptr],
  AllocatorFree: [ptr, ptr],
  CreateAllocator: [ptr, ptr, ptr],
  ReleaseAllocator: [ptr],
  AllocatorGetStats: [ptr, ptr],
  GetKeyValue: [ptr, 'str'],
  ReleaseKeyValuePairs: [ptr],
  CreateCpuMemoryInfo: ['int', 'int', ptr],
  CreateTensorWithDataAsOrtValue: [ptr, ptr, 'size_t', ptr, 'size_t', 'int', ptr],
  CreateTensorAsOrtValue: [ptr, ptr, 'size_t', 'int', ptr],
  GetTensorTypeAndShape: [ptr, ptr],
  ReleaseTensorTypeAndShapeInfo: [ptr],
  GetTensorMutableData: [ptr, ptr],
  GetResizedStringTensorElementBuffer: [ptr, 'size_t', 'size_t', ptr],
  GetStringTensorDataLength: [ptr, ptr],
  GetStringTensorContent: [ptr, ptr, 'size_t', ptr, 'size_t'],
  ReleaseValue: [ptr],
};

const results: Readonly<Partial<Record<ApiFunctionName, string>>> = {
  GetErrorCode: 'int',
  GetErrorMessage: 'str',
  GetKeyValue: 'str',
};
const resultOf = (name: ApiFunctionName): string => results[name] ?? (name.startsWith('Release') ? 'void' : ptr);

const laterFunctions: readonly ApiFunctionName[] = [
  'AllocatorGetStats',
  'GetKeyValue',
  'ReleaseKeyValuePairs',
  'Session_GetEpGraphAssignmentInfo',
  'EpAssignedSubgraph_GetEpName',
  'EpAssignedSubgraph_GetNodes',
];
/** False for those that an older library may lack. */
export const isAlwaysThere = (name: ApiFunctionName): boolean => !laterFunctions.includes(name);

export const apiFunctionNames = Object.keys(argumentTypes) as readonly ApiFunctionName[];

/** The type by which koffi calls `name`. Anonymous, because a thread may open several libraries. */
export const prototypeOf = (name: ApiFunctionName): TypeObject => koffi.proto(resultOf(name), [...argumentTypes[name]]);
