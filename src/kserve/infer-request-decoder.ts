/** Decodes ModelInferRequest from its wire form. */
import type { InferRequestMessage } from './infer-codec.js';
import { ProtocolError } from './protocol-error.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';
import { joinTensors, readMapKey, readWireTensor, type WireTensor } from './wire-tensor.js';

const MODEL_NAME = tagOf(1, wireTypes.delimited);
const MODEL_VERSION = tagOf(2, wireTypes.delimited);
const ID = tagOf(3, wireTypes.delimited);
const INPUT = tagOf(5, wireTypes.delimited);
const OUTPUT = tagOf(6, wireTypes.delimited);
const RAW_CONTENTS = tagOf(7, wireTypes.delimited);
const OUTPUT_NAME = tagOf(1, wireTypes.delimited);
const OUTPUT_PARAMETERS = tagOf(2, wireTypes.delimited);

/** Reads a request up to the reader's end; see `decodeInferRequest`. */
export function decodeInferRequestFrom(reader: WireReader): InferRequestMessage {
  let modelName = '';
  let modelVersion = '';
  let id = '';
  const inputs: WireTensor[] = [];
  const outputNames: string[] = [];
  const raw: Uint8Array[] = [];
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === MODEL_NAME) modelName = reader.readString();
    else if (tag === MODEL_VERSION) modelVersion = reader.readString();
    else if (tag === ID) id = reader.readString();
    else if (tag === INPUT) inputs.push(readInput(reader));
    else if (tag === OUTPUT) outputNames.push(readOutputName(reader));
    else if (tag === RAW_CONTENTS) raw.push(reader.readBytes());
    else reader.skip(tag);
  }
  return { modelName, modelVersion, id, inputs: joinTensors(reader, inputs, raw), outputNames };
}

function readInput(reader: WireReader): WireTensor {
  const input = readWireTensor(reader);
  for (const key of input.parameterNames ?? []) refuseParameter('input', input.name, key);
  return input;
}

function readOutputName(reader: WireReader): string {
  const outer = reader.enter();
  let name = '';
  let keys: string[] | undefined;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === OUTPUT_NAME) name = reader.readString();
    else if (tag === OUTPUT_PARAMETERS) {
      keys ??= [];
      keys.push(readMapKey(reader));
    } else reader.skip(tag);
  }
  reader.leave(outer);
  for (const key of keys ?? []) refuseParameter('output', name, key);
  return name;
}

/** Refuses tensor parameters whose meaning would be lost if they were ignored; any other is no more than a hint. */
export function refuseParameter(kind: 'input' | 'output', tensorName: string, key: string): void {
  if (key.startsWith('shared_memory_')) {
    throw new ProtocolError(`${kind} '${tensorName}': shared memory is not supported`, 'UNIMPLEMENTED');
  }
  if (key === 'classification' && kind === 'output') {
    throw new ProtocolError(`output '${tensorName}': classification is not supported`, 'UNIMPLEMENTED');
  }
}
