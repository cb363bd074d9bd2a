/** The engine as a whole: front ends and models, started together and closed in order. */
import { describeProblem, PerfTsError } from '../src/common/errors.js';
import { requireTelemetryOff } from '../src/onnxruntime/telemetry.js';
import type { FrontEnd } from './frontend/front-end.js';
import { createGrpcWireFrontEnd } from './frontend/grpc-wire/grpc-wire-front-end.js';
import { HttpFrontEnd } from './frontend/http-front-end.js';
import type { ModelSource } from './frontend/model-source.js';
import { loadModel } from './model.js';
import { checkEngineOptions, type EngineOptions } from './options.js';
import { type LoadModel, ModelRepository } from './repository/model-repository.js';
import type { ServedModel } from './served-model.js';

export interface Engine {
  /** Undefined when gRPC was not allowed. */
  readonly grpcPort: number | undefined;
  /** Undefined when HTTP was not allowed. */
  readonly httpPort: number | undefined;
  readonly models: readonly ServedModel[];
  /** Accepts nothing new, finishes accepted requests within the exit timeout, and frees everything. */
  close(): Promise<void>;
}

export interface EngineParts {
  /** Stands in for the real loader in tests. */
  readonly loadModel?: LoadModel;
  /** What the engine does, for those who want to know. */
  readonly log?: (line: string) => void;
  /** What an operator should know: a model that is not served, requests that were given up. */
  readonly warn?: (line: string) => void;
}

interface FrontEnds {
  readonly grpc: FrontEnd | undefined;
  readonly http: FrontEnd | undefined;
}

function createFrontEnds(options: EngineOptions, source: ModelSource): FrontEnds {
  const { allowGrpc, grpcAddress, grpcPort, allowHttp, httpAddress, httpPort, httpMaxInputSize } = options;
  return {
    grpc: allowGrpc ? createGrpcWireFrontEnd({ address: grpcAddress, port: grpcPort }, source) : undefined,
    http: allowHttp
      ? new HttpFrontEnd({ address: httpAddress, port: httpPort, maxInputBytes: httpMaxInputSize }, source)
      : undefined,
  };
}

/** Both ports, or one error with the problems of both. */
async function listen({ grpc, http }: FrontEnds): Promise<Pick<Engine, 'grpcPort' | 'httpPort'>> {
  const [grpcPort, httpPort] = await Promise.allSettled([grpc?.start(), http?.start()]);
  if (grpcPort.status === 'fulfilled' && httpPort.status === 'fulfilled') {
    return { grpcPort: grpcPort.value, httpPort: httpPort.value };
  }
  const reasons = [grpcPort, httpPort].flatMap((result): unknown[] =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  const fault = reasons.find((reason) => !(reason instanceof PerfTsError));
  if (fault !== undefined) throw fault;
  const known = reasons.filter((reason) => reason instanceof PerfTsError);
  throw new PerfTsError(
    'BAD_OPTION',
    known.flatMap((reason) => reason.problems),
    known[0],
  );
}

/**
 * Starts to listen, loads the models, and resolves once all of them are served. Ports are taken first, because a port
 * in use should not be found out after minutes of loading; until then the engine says that it is not ready.
 * Throws PerfTsError for contradicting options, ports in use, and (unless told to go on) models that fail to load.
 * Call it on the main thread.
 */
export async function startEngine(options: EngineOptions, parts: EngineParts = {}): Promise<Engine> {
  checkEngineOptions(options);
  // Workers load the library, but only the main thread can set what native code reads from the environment.
  requireTelemetryOff();
  const log = parts.log ?? (() => undefined);
  const warn = parts.warn ?? (() => undefined);
  const loadsAll = options.modelControlMode === 'none' || options.loadModel.includes('*');
  const repository = new ModelRepository({
    repositories: options.modelRepository,
    modelNames: loadsAll ? undefined : options.loadModel,
    ortLibrary: options.ortLibrary,
    loadModel: parts.loadModel ?? loadModel,
    log,
  });
  const frontEnds = createFrontEnds(options, repository);
  const close = (): Promise<void> => closeInOrder(frontEnds, repository, options.exitTimeoutSecs * 1000, warn);
  try {
    const ports = await listen(frontEnds);
    const failure = await repository.load();
    if (failure !== undefined && options.exitOnError) throw failure;
    for (const problem of failure?.problems ?? []) warn(`not served: ${describeProblem(problem)}`);
    return { ...ports, models: repository.models(), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Front ends first, so that no request reaches a model that is being closed. */
async function closeInOrder(
  { grpc, http }: FrontEnds,
  repository: ModelRepository,
  timeoutMs: number,
  warn: (line: string) => void,
): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const isOver = new Promise<void>((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  repository.beginShutdown();
  try {
    await Promise.all([grpc?.close(deadline.signal), http?.close(deadline.signal)]);
    await Promise.race([repository.close(), isOver]);
    if (deadline.signal.aborted) warn(`gave up requests that were not finished within ${timeoutMs / 1000} s`);
  } finally {
    clearTimeout(timer);
  }
}
