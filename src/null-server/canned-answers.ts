/** The answers of a null server, made once: inference, and the few administrative calls that a client makes before a run. */
import { Buffer } from 'node:buffer';
import type { AdminCalls, AdminMethod } from '../kserve/admin-codec.js';
import { encodeAdminResponse } from '../kserve/admin-codec.js';
import { grpcMethodPath } from '../kserve/grpc-service.js';
import { encodeHttpInferResponse, INFERENCE_HEADER_LENGTH } from '../kserve/http-codec.js';
import { encodeInferResponse, type InferResponseMessage } from '../kserve/infer-codec.js';
import type { ModelStatistics } from '../kserve/metadata.js';
import type { NullServerConfig } from './null-behavior.js';

export const INFER_PATH = grpcMethodPath('ModelInfer');

const serverMetadata = { name: 'perf-ts null server', version: '1', extensions: ['statistics'] };

function inferMessage(config: NullServerConfig): InferResponseMessage {
  return {
    modelName: config.metadata.name,
    modelVersion: config.metadata.versions[0] ?? '1',
    id: '',
    outputs: config.outputs.map(({ name, dataType, shape, byteSize }) => ({
      name,
      dataType,
      shape,
      bytes: zeroBytes(dataType, byteSize),
    })),
  };
}

/** Zeros; one string of zeros fills a BYTES output, which must say the length of its element. */
function zeroBytes(dataType: string, byteSize: number): Uint8Array {
  const bytes = new Uint8Array(byteSize);
  if (dataType === 'BYTES' && byteSize >= 4) new DataView(bytes.buffer).setUint32(0, byteSize - 4, true);
  return bytes;
}

function configOf({ metadata, maxBatchSize }: NullServerConfig): AdminCalls['ModelConfig']['response'] {
  return { config: { name: metadata.name, platform: metadata.platform, max_batch_size: maxBatchSize } };
}

/** gRPC message bodies by path; statistics are asked for each time. */
export function grpcAnswers(
  config: NullServerConfig,
  statistics: () => ModelStatistics,
): ReadonlyMap<string, () => Uint8Array> {
  const answers = new Map<string, () => Uint8Array>();
  const put = <M extends AdminMethod>(method: M, response: () => AdminCalls[M]['response']): void => {
    answers.set(grpcMethodPath(method), () => encodeAdminResponse(method, response()));
  };
  put('ServerLive', () => ({ live: true }));
  put('ServerReady', () => ({ ready: true }));
  put('ModelReady', () => ({ ready: true }));
  put('ServerMetadata', () => serverMetadata);
  put('ModelMetadata', () => config.metadata);
  put('ModelConfig', () => configOf(config));
  put('ModelStatistics', () => ({ model_stats: [statistics()] }));
  return answers;
}

export const grpcInferAnswer = (config: NullServerConfig): Uint8Array => encodeInferResponse(inferMessage(config));

/** Whole HTTP answers by path below `/v2`, of GET requests. */
export function httpAnswers(
  config: NullServerConfig,
  statistics: () => ModelStatistics,
): ReadonlyMap<string, () => Buffer> {
  const model = `/v2/models/${encodeURIComponent(config.metadata.name)}`;
  const json = (value: () => unknown) => () => httpAnswer('application/json', Buffer.from(JSON.stringify(value())));
  const nothing = () => httpAnswer('application/json', Buffer.alloc(0));
  return new Map([
    ['/v2', json(() => serverMetadata)],
    ['/v2/health/live', nothing],
    ['/v2/health/ready', nothing],
    [model, json(() => config.metadata)],
    [`${model}/ready`, nothing],
    [`${model}/config`, json(() => configOf(config).config)],
    [`${model}/stats`, json(() => ({ model_stats: [statistics()] }))],
  ]);
}

export function httpInferAnswer(config: NullServerConfig): Buffer {
  const { body, jsonLength } = encodeHttpInferResponse(inferMessage(config), { byDefault: true, byName: new Map() });
  const length = jsonLength === undefined ? '' : `${INFERENCE_HEADER_LENGTH}: ${jsonLength}\r\n`;
  return httpAnswer('application/octet-stream', body, length);
}

export const httpNotFound: Buffer = httpAnswer(
  'application/json',
  Buffer.from('{"error":"not found"}'),
  '',
  '404 Not Found',
);

function httpAnswer(type: string, body: Uint8Array, moreHeaders = '', status = '200 OK'): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${moreHeaders}content-length: ${body.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
