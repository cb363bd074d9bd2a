/** Decodes ModelInferResponse from its wire form. */
import type { InferResponseMessage } from './infer-codec.js';
import { ProtocolError } from './protocol-error.js';
import { type ParameterValue, readParameter } from './wire-parameters.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';
import { joinTensors, readWireTensor, type WireTensor } from './wire-tensor.js';

const MODEL_NAME = tagOf(1, wireTypes.delimited);
const MODEL_VERSION = tagOf(2, wireTypes.delimited);
const ID = tagOf(3, wireTypes.delimited);
const PARAMETERS = tagOf(4, wireTypes.delimited);
const OUTPUT = tagOf(5, wireTypes.delimited);
const RAW_CONTENTS = tagOf(6, wireTypes.delimited);

/** Reads a response up to the reader's end; see `decodeInferResponse`. */
export function decodeInferResponseFrom(reader: WireReader): InferResponseMessage {
  let modelName = '';
  let modelVersion = '';
  let id = '';
  let parameters: Record<string, ParameterValue> | undefined;
  const outputs: WireTensor[] = [];
  const raw: Uint8Array[] = [];
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === MODEL_NAME) modelName = reader.readString();
    else if (tag === MODEL_VERSION) modelVersion = reader.readString();
    else if (tag === ID) id = reader.readString();
    else if (tag === OUTPUT) outputs.push(readWireTensor(reader));
    else if (tag === PARAMETERS) parameters = readParameter(reader, parameters);
    else if (tag === RAW_CONTENTS) raw.push(reader.readBytes());
    else reader.skip(tag);
  }
  if (raw.length > 0 && raw.length !== outputs.length) {
    throw new ProtocolError(
      `${outputs.length} tensors come with ${raw.length} raw contents; their numbers must be equal`,
    );
  }
  const message = { modelName, modelVersion, id, outputs: joinTensors(reader, outputs, raw, modelName) };
  return parameters === undefined ? message : { ...message, parameters };
}
