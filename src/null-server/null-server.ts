/**
 * A KServe v2 server that does nothing: it answers every inference request with the same canned bytes after a delay that is
 * known. It shows what the load generator itself needs, and is the known truth that measurements are tested against.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { grpcAnswers, grpcInferAnswer, httpAnswers, httpInferAnswer } from './canned-answers.js';
import { AnswerFrames } from './grpc-answer-frames.js';
import { GrpcNullConnection } from './grpc-connection.js';
import { HttpNullConnection } from './http-connection.js';
import { InferDesk } from './infer-desk.js';
import type { NullServerConfig, NullServerReport } from './null-behavior.js';

export interface NullServer {
  readonly grpcPort: number;
  readonly httpPort: number;
  report(): NullServerReport;
  close(): Promise<void>;
}

/** Listens on two free ports of the loopback interface. */
export async function startNullServer(config: NullServerConfig): Promise<NullServer> {
  const desk = new InferDesk(config);
  const take = desk.take.bind(desk);
  const statistics = (): ReturnType<InferDesk['statistics']> => desk.statistics();
  const grpcOptions = {
    infer: new AnswerFrames(grpcInferAnswer(config)),
    answers: grpcAnswers(config, statistics),
    take,
  };
  const httpOptions = { infer: httpInferAnswer(config), answers: httpAnswers(config, statistics), take };
  const sockets = new Set<Socket>();
  const listen = async (accept: (socket: Socket) => void): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      accept(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  };
  const grpc = await listen((socket) => void new GrpcNullConnection(socket, grpcOptions));
  const http = await listen((socket) => void new HttpNullConnection(socket, httpOptions));
  return {
    grpcPort: (grpc.address() as AddressInfo).port,
    httpPort: (http.address() as AddressInfo).port,
    report: () => desk.report(),
    async close() {
      desk.close();
      const closed = [grpc, http].map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}
