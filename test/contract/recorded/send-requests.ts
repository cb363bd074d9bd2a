/** Sends requests to a server over HTTP and gRPC, and writes down what came back in a form that two servers can be compared in. */
import { request as httpRequest } from 'node:http';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { encodeMessage } from '../../../src/kserve/admin-codec.js';
import { messageType } from '../../../src/kserve/grpc-service.js';

export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects go as JSON. */
  readonly body?: string | Uint8Array | object;
  /** To the metrics endpoint. */
  readonly isMetrics?: boolean;
}

export interface GrpcRequest {
  /** Of the inference service, or a whole path. */
  readonly call: string;
  readonly message?: object | Uint8Array;
}

export type ServerRequest = { readonly name: string } & (HttpRequest | GrpcRequest);

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface GrpcAnswer {
  readonly code: number;
  readonly details?: string;
  readonly message?: unknown;
}

export interface Endpoints {
  readonly grpc: string;
  readonly http: string;
  readonly metrics: string;
}

const kept = ['content-type', 'inference-header-content-length', 'content-encoding', 'transfer-encoding'];
const DEADLINE_MS = 8_000;

/** Control and non-ASCII bytes are escaped, so that a recording is plain text. */
const plain = (bytes: Buffer): string => bytes.toString('latin1');

export function sendHttp(endpoints: Endpoints, { method, path, headers = {}, body, isMetrics }: HttpRequest) {
  const [hostname, port] = (isMetrics === true ? endpoints.metrics : endpoints.http).split(':');
  const bytes =
    body === undefined
      ? undefined
      : typeof body === 'string' || body instanceof Uint8Array
        ? Buffer.from(body as Uint8Array)
        : Buffer.from(JSON.stringify(body));
  const length = bytes === undefined ? {} : { 'content-length': String(bytes.length) };
  return new Promise<HttpAnswer>((resolve, reject) => {
    const verb = method ?? (bytes === undefined ? 'GET' : 'POST');
    const options = { hostname, port, path, method: verb, agent: false, headers: { ...length, ...headers } };
    const sent = httpRequest(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const found = kept.flatMap((name) => {
          const value = response.headers[name];
          return value === undefined ? [] : [[name, String(value)]];
        });
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(found) as Record<string, string>,
          body: plain(Buffer.concat(pieces)),
        });
      });
    });
    sent.setTimeout(DEADLINE_MS, () => sent.destroy(new Error(`no answer to ${verb} ${path}`)));
    sent.on('error', (error) => resolve({ status: 0, headers: {}, body: error.message }));
    sent.end(bytes);
  });
}

const SERVICE = '/inference.GRPCInferenceService/';

export function sendGrpc(client: Client, { call, message = {} }: GrpcRequest): Promise<GrpcAnswer> {
  const isOther = call.startsWith('/');
  const bytes =
    message instanceof Uint8Array ? Buffer.from(message) : Buffer.from(encodeMessage(`${call}Request`, message));
  const same = (value: Buffer): Buffer => value;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      isOther ? call : `${SERVICE}${call}`,
      same,
      same,
      bytes,
      new Metadata(),
      { deadline: Date.now() + DEADLINE_MS },
      (error: ServiceError | null, answer?: Buffer) => {
        if (error !== null) resolve({ code: error.code, details: error.details });
        else if (isOther) resolve({ code: 0, message: answer!.toString('hex') });
        else {
          const type = messageType(`${call}Response`);
          resolve({
            code: 0,
            message: type.toObject(type.decode(answer!), { longs: String, enums: String, bytes: String }),
          });
        }
      },
    );
  });
}

/** One after the other, because some change what later ones find. */
export async function sendAll(
  endpoints: Endpoints,
  requests: readonly ServerRequest[],
): Promise<Record<string, HttpAnswer | GrpcAnswer>> {
  const client = new Client(endpoints.grpc, credentials.createInsecure());
  const answers: Record<string, HttpAnswer | GrpcAnswer> = {};
  try {
    for (const request of requests) {
      answers[request.name] = 'call' in request ? await sendGrpc(client, request) : await sendHttp(endpoints, request);
    }
  } finally {
    client.close();
  }
  return answers;
}
