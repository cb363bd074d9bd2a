/** The scripted server over gRPC, on grpc-js. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminRequest,
  encodeAdminResponse,
  grpcMethodPath,
} from '../../src/kserve/admin-codec.js';
import { decodeInferRequest, encodeInferResponse } from '../../src/kserve/infer-codec.js';
import { type StatusName, statusCodes } from '../../src/kserve/status.js';
import { answerOf, echoFacts, type ScriptOptions, type StartScriptedServer, serverFacts } from './scripted-server.js';

type Refusal = { readonly code: number; readonly details: string };
type Reply = (fault: Refusal | null, bytes?: Buffer) => void;
type Unary = (call: { readonly request: Buffer }, reply: Reply) => void;

const refusal = (status: StatusName, details: string): Refusal => ({ code: statusCodes[status], details });

export const startScriptedGrpcServer: StartScriptedServer = async (options = {}) => {
  let received = 0;
  const infer: Unary = (call, reply) => {
    received++;
    const answer = answerOf(decodeInferRequest(call.request));
    if (answer.kind === 'answer') reply(null, Buffer.from(encodeInferResponse(answer.response)));
    if (answer.kind === 'refuse') reply(refusal(answer.status, answer.message));
  };
  const calls: Record<string, Unary> = { ModelInfer: infer, ...adminCalls(options) };
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const identity = (bytes: Buffer): Buffer => bytes;
  const definition = Object.fromEntries(
    Object.keys(calls).map((name) => {
      const path = grpcMethodPath(name as AdminMethod);
      const codec = {
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      };
      return [name, { path, requestStream: false, responseStream: false, ...codec }];
    }),
  );
  server.addService(definition, calls as unknown as UntypedServiceImplementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    injector.injectConnection(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
    injector.destroy();
    server.forceShutdown();
  };
  const { port } = listener.address() as AddressInfo;
  return { endpoint: `127.0.0.1:${port}`, received: () => received, vanish: close, close };
};

function adminCalls({ hasExtensions = true }: ScriptOptions): Record<string, Unary> {
  function call<M extends AdminMethod>(
    method: M,
    answer: (request: AdminCalls[M]['request']) => AdminCalls[M]['response'] | undefined,
  ): Record<string, Unary> {
    const unary: Unary = ({ request }, reply) => {
      const response = answer(decodeAdminRequest(method, request));
      if (response === undefined) reply(refusal('NOT_FOUND', 'Request for unknown model'));
      else reply(null, Buffer.from(encodeAdminResponse(method, response)));
    };
    return { [method]: unary };
  }
  const ofEcho =
    <T>(fact: T) =>
    (request: { readonly name: string }): T | undefined =>
      request.name === 'echo' ? fact : undefined;
  return {
    ...call('ServerReady', () => ({ ready: true })),
    ...call('ModelReady', ({ name }) => ({ ready: name === 'echo' })),
    ...call('ServerMetadata', () => serverFacts),
    ...call('ModelMetadata', ofEcho(echoFacts.metadata)),
    ...(hasExtensions ? call('ModelConfig', ofEcho({ config: echoFacts.config })) : {}),
    ...(hasExtensions ? call('ModelStatistics', ofEcho(echoFacts.statistics)) : {}),
  };
}
