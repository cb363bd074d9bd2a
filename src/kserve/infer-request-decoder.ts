/** Decodes ModelInferRequest from its wire form. */
import type { InferRequestMessage } from './infer-codec.js';
import type { RequestedOutput } from './tensor.js';
import { checkRequestParameters, isPlainOutput, requestedOutputOf, sharedMemoryOf } from './tensor-parameters.js';
import { type ParameterValue, readParameter } from './wire-parameters.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';
import { joinTensors, readWireTensor, type WireTensor } from './wire-tensor.js';

const MODEL_NAME = tagOf(1, wireTypes.delimited);
const MODEL_VERSION = tagOf(2, wireTypes.delimited);
const ID = tagOf(3, wireTypes.delimited);
const PARAMETERS = tagOf(4, wireTypes.delimited);
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
  let outputs: RequestedOutput[] | undefined;
  let parameters: Record<string, ParameterValue> | undefined;
  const raw: Uint8Array[] = [];
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === MODEL_NAME) modelName = reader.readString();
    else if (tag === MODEL_VERSION) modelVersion = reader.readString();
    else if (tag === ID) id = reader.readString();
    else if (tag === INPUT) inputs.push(readInput(reader));
    else if (tag === OUTPUT) outputs = readOutput(reader, outputNames, outputs);
    else if (tag === PARAMETERS) parameters = readParameter(reader, parameters);
    else if (tag === RAW_CONTENTS) raw.push(reader.readBytes());
    else reader.skip(tag);
  }
  const message = { modelName, modelVersion, id, inputs: joinTensors(reader, inputs, raw, modelName), outputNames };
  if (outputs === undefined && parameters === undefined) return message;
  return {
    ...message,
    ...(outputs === undefined ? {} : { outputs }),
    ...(parameters === undefined ? {} : { parameters: checkRequestParameters(parameters) }),
  };
}

function readInput(reader: WireReader): WireTensor {
  const input = readWireTensor(reader);
  if (input.parameters !== undefined) input.sharedMemory = sharedMemoryOf(input.parameters, input.name);
  return input;
}

const plainOutput = (name: string): RequestedOutput => ({ name, classificationCount: 0 });

/** Adds an output to `names`, and to `outputs` once one of them has more than a name; returns `outputs`. */
function readOutput(
  reader: WireReader,
  names: string[],
  outputs: RequestedOutput[] | undefined,
): RequestedOutput[] | undefined {
  const outer = reader.enter();
  let name = '';
  let parameters: Record<string, ParameterValue> | undefined;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === OUTPUT_NAME) name = reader.readString();
    else if (tag === OUTPUT_PARAMETERS) parameters = readParameter(reader, parameters);
    else reader.skip(tag);
  }
  reader.leave(outer);
  const output = parameters === undefined ? undefined : requestedOutputOf(name, parameters, 1);
  const isPlain = output === undefined || isPlainOutput(output);
  const full = outputs ?? (isPlain ? undefined : names.map(plainOutput));
  full?.push(isPlain ? plainOutput(name) : output);
  names.push(name);
  return full;
}
