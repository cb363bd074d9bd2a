/** The published schema of the model configuration (proto/model_config.proto), loaded once per thread. */
import protobuf from 'protobufjs';
import { loadProto } from '../kserve/load-proto.js';

let loaded: protobuf.Type | undefined;

/** The reflected ModelConfig message; field names are kept as published. */
export function modelConfigType(): protobuf.Type {
  loaded ??= loadProto('model_config.proto').lookupType('inference.ModelConfig');
  return loaded;
}

/** The message type of a field that holds messages, else undefined. */
export const messageTypeOf = (field: Pick<protobuf.Field, 'resolvedType'>): protobuf.Type | undefined =>
  field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;

/** The enum of a field that holds enum values, else undefined. */
export const enumOf = (field: Pick<protobuf.Field, 'resolvedType'>): protobuf.Enum | undefined =>
  field.resolvedType instanceof protobuf.Enum ? field.resolvedType : undefined;

/** Fields that our `ModelConfig` declares as always present, with the value an absent one has in protobuf. */
const alwaysPresent: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ModelInput: { name: '', data_type: 'TYPE_INVALID', dims: [] },
  ModelOutput: { name: '', data_type: 'TYPE_INVALID', dims: [] },
  ModelTensorReshape: { shape: [] },
  Accelerator: { name: '' },
  ModelParameter: { string_value: '' },
};

/** The always-present fields of a message type; fresh arrays each time. */
export const requiredFieldsOf = (type: protobuf.Type): Record<string, unknown> =>
  structuredClone(alwaysPresent[type.name] ?? {}) as Record<string, unknown>;
