/**
 * Finds out that ports are taken before models are loaded, which may take minutes, without the front ends that will
 * listen there: those are loaded while the models are.
 */
import { createServer } from 'node:net';
import { messageOf, PerfTsError } from '../src/common/errors.js';
import type { ListenOptions } from './frontend/front-end.js';
import { type Endpoint, listenProblem } from './frontend/listen-problem.js';
import type { EngineOptions } from './options.js';

/** Throws PerfTsError BAD_OPTION with the problems of all ports that cannot be had. Leaves them free. */
export async function requireFreePorts(options: EngineOptions): Promise<void> {
  const { grpcAddress, grpcPort, httpAddress, httpPort, metricsAddress = httpAddress, metricsPort } = options;
  const problems = await Promise.all([
    options.allowGrpc ? tryPort('grpc', { address: grpcAddress, port: grpcPort }) : undefined,
    options.allowHttp ? tryPort('http', { address: httpAddress, port: httpPort }) : undefined,
    options.allowMetrics ? tryPort('metrics', { address: metricsAddress, port: metricsPort }) : undefined,
  ]);
  throwAll(problems.filter((problem) => problem !== undefined));
}

/** Nothing for no errors; otherwise one error with the problems of all. */
export function throwAll(errors: readonly PerfTsError[]): void {
  if (errors.length === 0) return;
  throw new PerfTsError(
    'BAD_OPTION',
    errors.flatMap((error) => error.problems),
    errors[0],
  );
}

function tryPort(endpoint: Endpoint, options: ListenOptions): Promise<PerfTsError | undefined> {
  const { address, port } = options;
  // There is always a free one to be had.
  if (port === 0) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (cause) => resolve(listenProblem(endpoint, options, messageOf(cause), cause)));
    server.listen({ host: address, port }, () => server.close(() => resolve(undefined)));
  });
}
