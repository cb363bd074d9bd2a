/**
 * The calls of Triton's shared memory, trace and logging extensions over gRPC, as typed values. They are rare, so
 * protobufjs encodes them.
 */
import { decodeMessage, encodeMessage } from './admin-codec.js';

/** A region of system shared memory; `offset` is where it begins in the object that `key` names. */
export interface SystemRegion {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byte_size: number;
}

export interface CudaRegion {
  readonly name: string;
  readonly device_id: number;
  readonly byte_size: number;
}

/** No value clears a setting. */
export interface TraceSettingValue {
  readonly value: readonly string[];
}

/** One member is there. */
export interface LogSettingValue {
  readonly bool_param?: boolean;
  readonly uint32_param?: number;
  readonly string_param?: string;
}

type Nothing = Readonly<Record<never, never>>;
type ByName<T> = Readonly<Record<string, T>>;

/** An empty name means all of them. */
interface NameOrAll {
  readonly name: string;
}

export interface ExtensionCalls {
  readonly SystemSharedMemoryStatus: {
    readonly request: NameOrAll;
    readonly response: { readonly regions: ByName<SystemRegion> };
  };
  readonly SystemSharedMemoryRegister: { readonly request: SystemRegion; readonly response: Nothing };
  readonly SystemSharedMemoryUnregister: { readonly request: NameOrAll; readonly response: Nothing };
  readonly CudaSharedMemoryStatus: {
    readonly request: NameOrAll;
    readonly response: { readonly regions: ByName<CudaRegion> };
  };
  readonly CudaSharedMemoryRegister: {
    readonly request: CudaRegion & { readonly raw_handle: Uint8Array };
    readonly response: Nothing;
  };
  readonly CudaSharedMemoryUnregister: { readonly request: NameOrAll; readonly response: Nothing };
  readonly TraceSetting: {
    readonly request: { readonly settings: ByName<TraceSettingValue>; readonly model_name: string };
    readonly response: { readonly settings: ByName<TraceSettingValue> };
  };
  readonly LogSettings: {
    readonly request: { readonly settings: ByName<LogSettingValue> };
    readonly response: { readonly settings: ByName<LogSettingValue> };
  };
}

export type ExtensionMethod = keyof ExtensionCalls;

export const encodeExtensionRequest = <M extends ExtensionMethod>(
  method: M,
  request: ExtensionCalls[M]['request'],
): Uint8Array => encodeMessage(`${method}Request`, request);

/** Throws ProtocolError for malformed bytes. */
export const decodeExtensionRequest = <M extends ExtensionMethod>(
  method: M,
  bytes: Uint8Array,
): ExtensionCalls[M]['request'] => decodeMessage(`${method}Request`, bytes) as ExtensionCalls[M]['request'];

export const encodeExtensionResponse = <M extends ExtensionMethod>(
  method: M,
  response: ExtensionCalls[M]['response'],
): Uint8Array => encodeMessage(`${method}Response`, response);

/** Throws ProtocolError for malformed bytes. */
export const decodeExtensionResponse = <M extends ExtensionMethod>(
  method: M,
  bytes: Uint8Array,
): ExtensionCalls[M]['response'] => decodeMessage(`${method}Response`, bytes) as ExtensionCalls[M]['response'];
