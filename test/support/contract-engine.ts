/** A live engine on free loopback ports with an identity model of every data type, the zoo's add_sub and a slow one. */

import { readFile } from 'node:fs/promises';
import { engineOptionRows } from '../../engine/options.js';
import { type Engine, startEngine } from '../../engine/server.js';
import { readOptions } from '../../src/common/option-row.js';
import { dataTypes, toConfigType } from '../../src/kserve/data-types.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { buildIdentityModel } from './identity-model.js';
import { modelFile } from './model-files.js';
import { writeRepository } from './model-repository.js';

const batching = 'max_batch_size: 8\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 1 }\n';

function identityConfig(type: string): string {
  const tensor = (io: string, name: string): string => `${io} { name: "${name}" data_type: ${type} dims: [ -1 ] }\n`;
  return `${batching}${tensor('input', 'INPUT0')}${tensor('output', 'OUTPUT0').replace('}', 'label_filename: "labels.txt" }')}`;
}

/** The caller closes it. */
export async function startContractEngine(): Promise<Engine> {
  const files: Record<string, string | Uint8Array> = {
    'add_sub/config.pbtxt': batching,
    'add_sub/1/model.onnx': buildZooModel('add_sub'),
    'busy/config.pbtxt': batching,
    'busy/1/model.onnx': await readFile(modelFile('busy')),
  };
  for (const dataType of dataTypes) {
    const folder = `identity_${dataType.toLowerCase()}`;
    files[`${folder}/config.pbtxt`] = identityConfig(toConfigType(dataType));
    files[`${folder}/labels.txt`] = 'cat\ndog\nfish\n';
    files[`${folder}/1/model.onnx`] = buildIdentityModel(dataType);
  }
  const { values } = readOptions(engineOptionRows, {
    'model-repository': [await writeRepository(files)],
    'http-port': ['0'],
    'grpc-port': ['0'],
    'metrics-port': ['0'],
    'allow-client-shm': ['true'],
  });
  return startEngine(values);
}
