/**
 * The administrative calls of the gRPC service as typed values: health, metadata, configuration, statistics, index.
 * They are rare, so protobufjs encodes them by reflection; inference has a codec of its own.
 */
import type protobuf from 'protobufjs';
import { messageOf } from '../common/errors.js';
import { grpcMethodPath, messageType } from './grpc-service.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from './metadata.js';
import { ProtocolError } from './protocol-error.js';
import { fillStatistics } from './statistics-form.js';

export { grpcMethodPath };

/** A model configuration in JSON form, not checked against the schema; src/model-config/ does that. */
export type ModelConfigDocument = Readonly<Record<string, unknown>>;

export interface ModelReference {
  readonly name: string;
  /** Empty leaves the choice to the server. */
  readonly version: string;
}

export interface ModelIndexEntry {
  readonly name: string;
  readonly version: string;
  /** READY, LOADING, UNLOADING or UNAVAILABLE; empty for a model that was never asked for. */
  readonly state: string;
  /** Why it is unavailable, `unloaded` among others; empty when ready. */
  readonly reason: string;
}

/** One value of the kinds that Triton has; exactly one is given. */
export interface RepositoryParameter {
  readonly bool_param?: boolean;
  readonly int64_param?: number;
  readonly string_param?: string;
  readonly bytes_param?: Uint8Array;
}

/** A request to load or unload a model. */
export interface RepositoryModelRequest {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, RepositoryParameter>>;
}

type Nothing = Readonly<Record<never, never>>;

/** Request and response of every administrative call. */
export interface AdminCalls {
  readonly ServerLive: { readonly request: Nothing; readonly response: { readonly live: boolean } };
  readonly ServerReady: { readonly request: Nothing; readonly response: { readonly ready: boolean } };
  readonly ModelReady: { readonly request: ModelReference; readonly response: { readonly ready: boolean } };
  readonly ServerMetadata: { readonly request: Nothing; readonly response: ServerMetadata };
  readonly ModelMetadata: { readonly request: ModelReference; readonly response: ModelMetadata };
  readonly ModelConfig: {
    readonly request: ModelReference;
    readonly response: { readonly config: ModelConfigDocument };
  };
  readonly ModelStatistics: {
    readonly request: ModelReference;
    readonly response: { readonly model_stats: readonly ModelStatistics[] };
  };
  readonly RepositoryIndex: {
    readonly request: { readonly repository_name: string; readonly ready: boolean };
    readonly response: { readonly models: readonly ModelIndexEntry[] };
  };
  readonly RepositoryModelLoad: { readonly request: RepositoryModelRequest; readonly response: Nothing };
  readonly RepositoryModelUnload: { readonly request: RepositoryModelRequest; readonly response: Nothing };
}

export type AdminMethod = keyof AdminCalls;

/** Wire form of a message of that type. */
export function encodeMessage(typeName: string, value: object): Uint8Array {
  const type = messageType(typeName);
  return type.encode(type.fromObject(value)).finish();
}

/** Absent fields become their zero values, except inside a model configuration, which keeps only what was sent. */
const plainForm: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true };
const configForm: protobuf.IConversionOptions = { longs: Number, enums: String };

/** A message of that type, with absent fields at their zero values. Throws ProtocolError for malformed bytes. */
export function decodeMessage(typeName: string, bytes: Uint8Array): Record<string, unknown> {
  const type = messageType(typeName);
  try {
    return type.toObject(type.decode(bytes), typeName === 'ModelConfigResponse' ? configForm : plainForm);
  } catch (cause) {
    throw new ProtocolError(`malformed ${typeName}: ${messageOf(cause)}`);
  }
}

/** Wire form of a request. */
export const encodeAdminRequest = <M extends AdminMethod>(method: M, request: AdminCalls[M]['request']): Uint8Array =>
  encodeMessage(`${method}Request`, request);

/** Throws ProtocolError for malformed bytes. */
export const decodeAdminRequest = <M extends AdminMethod>(method: M, bytes: Uint8Array): AdminCalls[M]['request'] =>
  decodeMessage(`${method}Request`, bytes) as AdminCalls[M]['request'];

/** Wire form of a response. */
export const encodeAdminResponse = <M extends AdminMethod>(
  method: M,
  response: AdminCalls[M]['response'],
): Uint8Array => encodeMessage(`${method}Response`, response);

/** Throws ProtocolError for malformed bytes. 64-bit numbers beyond 2^53 lose their last digits. */
export function decodeAdminResponse<M extends AdminMethod>(method: M, bytes: Uint8Array): AdminCalls[M]['response'] {
  const response = decodeMessage(`${method}Response`, bytes);
  if (method === 'ModelStatistics') response.model_stats = fillStatistics(response.model_stats);
  if (method === 'ModelConfig') response.config ??= {};
  return response as AdminCalls[M]['response'];
}

/**
 * A model configuration with every absent plain field at its zero value, as Triton answers over HTTP and as clients
 * that expect `max_batch_size` to be there need it. Absent messages stay absent.
 */
export function fullModelConfig(config: ModelConfigDocument): ModelConfigDocument {
  const type = messageType('ModelConfig');
  const form = type.toObject(type.fromObject(config), { ...plainForm, oneofs: false });
  return inOrder(type, withoutNulls(form)) as ModelConfigDocument;
}

/** Members in the order of the schema, as Triton writes them. */
function inOrder(type: protobuf.Type, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => inOrder(type, element));
  if (typeof value !== 'object' || value === null) return value;
  const members = new Map(Object.entries(value));
  const fields = type.fieldsArray.filter(({ name }) => members.has(name));
  return Object.fromEntries(
    fields.map((field): [string, unknown] => {
      const member = members.get(field.name);
      const { resolvedType } = field;
      if (resolvedType === null || !('fieldsArray' in resolvedType)) return [field.name, member];
      if (!field.map) return [field.name, inOrder(resolvedType, member)];
      const entries = Object.entries(member as object).map(([key, one]) => [key, inOrder(resolvedType, one)]);
      return [field.name, Object.fromEntries(entries)];
    }),
  );
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}
