/**
 * KServe v2 over gRPC on @grpc/grpc-js. Messages pass through the library as bytes: the codecs of src/kserve/ read and
 * write them.
 */
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { messageOf } from '../../src/common/errors.js';
import type { AdminMethod } from '../../src/kserve/admin-codec.js';
import { grpcMethodPath } from '../../src/kserve/grpc-service.js';
import type { FrontEnd, ListenOptions } from './front-end.js';
import { createAdminHandler } from './grpc-admin.js';
import { createInferHandler, createStreamHandler } from './grpc-inference.js';
import { listenProblem } from './listen-problem.js';
import type { ModelSource } from './model-source.js';

const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;

const serverOptions: ServerOptions = {
  // Tensors may be large; the batch a model takes is what bounds a request.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc-node.flow_control_window': STREAM_WINDOW_BYTES,
  'grpc-node.max_session_memory': Number.MAX_SAFE_INTEGER,
};

const adminMethods: readonly AdminMethod[] = [
  'ServerLive',
  'ServerReady',
  'ModelReady',
  'ServerMetadata',
  'ModelMetadata',
  'ModelConfig',
  'ModelStatistics',
  'RepositoryIndex',
];

// What goes wrong is said once, by us; the library would print it beside that, without the flag to change.
setLogVerbosity(logVerbosity.NONE);

const passThrough = (bytes: Buffer): Buffer => bytes;

type Handler =
  | { readonly isStream: false; readonly handle: handleUnaryCall<Buffer, Buffer> }
  | { readonly isStream: true; readonly handle: handleBidiStreamingCall<Buffer, Buffer> };

function addMethod(server: Server, path: string, handler: Handler): void {
  const definition = {
    path,
    requestStream: handler.isStream,
    responseStream: handler.isStream,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  };
  server.addService({ call: definition }, { call: handler.handle });
}

export class GrpcFrontEnd implements FrontEnd {
  private readonly server = new Server(serverOptions);
  private readonly options: ListenOptions;

  constructor(options: ListenOptions, source: ModelSource) {
    this.options = options;
    for (const method of adminMethods) {
      addMethod(this.server, grpcMethodPath(method), { isStream: false, handle: createAdminHandler(method, source) });
    }
    addMethod(this.server, grpcMethodPath('ModelInfer'), { isStream: false, handle: createInferHandler(source) });
    addMethod(this.server, grpcMethodPath('ModelStreamInfer'), { isStream: true, handle: createStreamHandler(source) });
  }

  start(): Promise<number> {
    const { address, port } = this.options;
    const host = address.includes(':') ? `[${address}]` : address;
    return new Promise((resolve, reject) => {
      this.server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (cause, bound) => {
        if (cause) reject(listenProblem('grpc', this.options, messageOf(cause), cause));
        else resolve(bound);
      });
    });
  }

  close(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cutOff = (): void => {
        this.server.forceShutdown();
        resolve();
      };
      if (deadline.aborted) {
        cutOff();
        return;
      }
      deadline.addEventListener('abort', cutOff, { once: true });
      this.server.tryShutdown(() => {
        deadline.removeEventListener('abort', cutOff);
        resolve();
      });
    });
  }
}
