/** KServe v2 over HTTP/1.1 on node:http: Triton's paths, JSON errors, JSON and binary tensor data. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nowNs } from '../../src/common/clock.js';
import { messageOf, systemCodeOf } from '../../src/common/errors.js';
import { httpStatusOf } from '../../src/kserve/status.js';
import { isModelReady, modelConfig, modelMetadata, modelStatistics, serverMetadata } from './admin-answers.js';
import { AnswerPacker } from './answer-packer.js';
import { failureOf } from './call-failure.js';
import { createServices, type EngineServices } from './engine-services.js';
import { type FrontEnd, givenUp, LAST_WORDS_MS, type ListenOptions } from './front-end.js';
import { BodyLimits, RefusedBody, readBody, readPieces } from './http-body.js';
import { type ExtensionRoute, matchExtension } from './http-extensions.js';
import { answerGenerate } from './http-generate.js';
import { answerInference, type HttpInferenceParts } from './http-inference.js';
import { isAllowedOrigin, ORIGIN_REFUSAL } from './http-origin.js';
import { sendEmpty, sendError, sendJson } from './http-reply.js';
import { answerRepositoryCall } from './http-repository.js';
import { type HttpCall, matchRoute, pathOf } from './http-routes.js';
import { listenProblem } from './listen-problem.js';
import type { ModelSource } from './model-source.js';

export interface HttpFrontEndOptions extends ListenOptions {
  /** A larger body is refused, also once unpacked. */
  readonly maxInputBytes: number;
  /** Origins of web pages whose requests are answered; `*` for all. */
  readonly allowedOrigins?: readonly string[];
}

export class HttpFrontEnd implements FrontEnd {
  private readonly options: HttpFrontEndOptions;
  private readonly source: ModelSource;
  private readonly services: EngineServices;
  private readonly server: Server;
  private readonly inference: HttpInferenceParts;
  private readonly bodies: BodyLimits;
  /** Responses to requests that have arrived, or begun to. */
  private readonly open = new Set<ServerResponse>();

  constructor(options: HttpFrontEndOptions, source: ModelSource, services: EngineServices = createServices()) {
    this.options = options;
    this.source = source;
    this.services = services;
    this.inference = { source, sharedMemory: services.sharedMemory, packer: new AnswerPacker() };
    this.bodies = new BodyLimits(options.maxInputBytes);
    this.server = createServer({ keepAlive: true, noDelay: true }, (request, response) => {
      void this.answer(request, response);
    });
    // Clients keep connections between requests for as long as they like, as with tritonserver.
    this.server.keepAliveTimeout = 0;
  }

  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', (cause) =>
        reject(listenProblem('http', this.options, systemCodeOf(cause) ?? cause.message, cause)),
      );
      this.server.listen(this.options.port, this.options.address, () =>
        resolve((this.server.address() as AddressInfo).port),
      );
    });
  }

  close(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const cutOff = (): void => {
        for (const response of this.open) giveUp(response);
        timer = setTimeout(() => this.server.closeAllConnections(), LAST_WORDS_MS);
      };
      this.server.close(() => {
        clearTimeout(timer);
        deadline.removeEventListener('abort', cutOff);
        resolve();
      });
      if (deadline.aborted) cutOff();
      else deadline.addEventListener('abort', cutOff, { once: true });
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
    try {
      // A connection that outlives the last answer would keep a closing server open.
      response.once('finish', () => this.server.listening || request.socket.end());
      const { method = '', url = '', headers } = request;
      if (!isAllowedOrigin(headers.origin, this.options.allowedOrigins ?? [])) {
        throw new RefusedBody(403, ORIGIN_REFUSAL);
      }
      const extension = matchExtension(pathOf(url));
      if (extension === undefined) await this.dispatch(matchRoute(method, url), request, response);
      else await this.answerExtension(extension, request, response);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (thrown instanceof RefusedBody) refuseBody(thrown, request, response);
      else sendError(response, httpStatusOf(failure.status), messageOf(thrown));
    }
  }

  private async answerExtension(
    routes: readonly ExtensionRoute[],
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const body = await readBody(request, response, this.bodies);
    const route = routes.find(({ method }) => method === request.method);
    if (route === undefined) {
      sendError(response, 405, 'Method Not Allowed');
      return;
    }
    const document = route.answer({ source: this.source, services: this.services }, body);
    if (document === undefined) sendEmpty(response, 200);
    else sendJson(response, 200, document);
  }

  private async dispatch(call: HttpCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { source } = this;
    if (call.kind === 'infer') {
      const body = await readPieces(request, response, this.bodies);
      answerInference(this.inference, call, body, nowNs(), request, response);
      return;
    }
    if (call.kind === 'generate') {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new RefusedBody(400, "Unsupported content-encoding, only 'identity' is supported.");
      }
      const body = await readBody(request, response, this.bodies);
      answerGenerate(source, call, body, nowNs(), request, response);
      return;
    }
    if (call.kind === 'index' || call.kind === 'load' || call.kind === 'unload') {
      const body = await readBody(request, response, this.bodies);
      const document = await answerRepositoryCall(source, call, body);
      if (document === undefined) sendEmpty(response, 200);
      else sendJson(response, 200, document);
      return;
    }
    // Whatever came as a body has no meaning here; unread, it would block the connection.
    request.resume();
    const { status, document } = plainAnswer(call, source, this.services);
    if (document === undefined) sendEmpty(response, status);
    else sendJson(response, status, document);
  }
}

/** What is still being sent of a body is dropped. */
function giveUp(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  response.req.resume();
  sendError(response, httpStatusOf(givenUp.status), givenUp.message);
}

/** Answered at once and without a body to read. */
type PlainCall = Exclude<HttpCall, { kind: 'infer' | 'generate' | 'index' | 'load' | 'unload' }>;

interface PlainAnswer {
  readonly status: number;
  /** JSON document; undefined for an empty body. */
  readonly document?: unknown;
}

function plainAnswer(call: PlainCall, source: ModelSource, services: EngineServices): PlainAnswer {
  switch (call.kind) {
    case 'live':
      return { status: 200 };
    case 'ready':
      return { status: source.isReady() ? 200 : 400 };
    case 'server-metadata':
      return { status: 200, document: serverMetadata(services) };
    case 'model-ready':
      if (isModelReady(source, call.name, call.version)) return { status: 200 };
      return { status: 400, document: { error: 'Model version not ready' } };
    case 'model-metadata':
      return { status: 200, document: modelMetadata(source, call.name, call.version) };
    case 'model-config':
      return { status: 200, document: modelConfig(source, call.name, call.version) };
    case 'model-statistics':
      return { status: 200, document: { model_stats: modelStatistics(source, call.name, call.version) } };
    case 'not-found':
      return { status: 404, document: { error: 'Not Found' } };
    case 'method-not-allowed':
      return { status: 405, document: { error: 'Method Not Allowed' } };
  }
}

/** The rest of a refused body is read and dropped, so that the caller can finish sending and see the answer. */
function refuseBody(refusal: RefusedBody, request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  request.resume();
  sendError(response, refusal.status, refusal.message);
}
