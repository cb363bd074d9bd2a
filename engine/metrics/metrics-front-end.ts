/** The metrics endpoint: GET /metrics on a port of its own, as Prometheus scrapes it. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemCodeOf } from '../../src/common/errors.js';
import type { FrontEnd, ListenOptions } from '../frontend/front-end.js';
import { sendError } from '../frontend/http-reply.js';
import { listenProblem } from '../frontend/listen-problem.js';
import type { ServedModel } from '../served-model.js';
import { CpuMeter } from './cpu-metrics.js';
import { type MemoryPoolGauges, pinnedPoolMetrics } from './memory-pool-gauges.js';
import { modelMetrics } from './model-metrics.js';
import { renderMetrics } from './prometheus-text.js';

export interface MetricsOptions extends ListenOptions {
  /** Time between two looks at the CPU. */
  readonly intervalMs: number;
  readonly hasCpuMetrics: boolean;
  /** Whether the cumulative durations are told. */
  readonly hasLatencies: boolean;
}

/** Where the numbers come from. */
export interface MetricsSource {
  models(): readonly ServedModel[];
  pinnedMemory(): MemoryPoolGauges;
}

export class MetricsFrontEnd implements FrontEnd {
  readonly #options: MetricsOptions;
  readonly #source: MetricsSource;
  readonly #server: Server;
  readonly #cpu: CpuMeter | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MetricsOptions, source: MetricsSource) {
    this.#options = options;
    this.#source = source;
    this.#cpu = options.hasCpuMetrics ? new CpuMeter() : undefined;
    this.#server = createServer((request, response) => {
      request.resume();
      this.#answer(request.method ?? '', request.url ?? '', response);
    });
  }

  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) =>
        reject(listenProblem('metrics', this.#options, systemCodeOf(cause) ?? cause.message, cause)),
      );
      this.#server.listen(this.#options.port, this.#options.address, () => {
        this.#timer = setInterval(() => this.#cpu?.sample(), this.#options.intervalMs).unref();
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Answers come at once, so there is nothing to wait for. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #answer(method: string, url: string, response: ServerResponse): void {
    if (url.split('?', 1)[0] !== '/metrics') sendError(response, 404, 'Not Found');
    else if (method !== 'GET') sendError(response, 405, 'Method Not Allowed');
    else sendText(response, this.#render());
  }

  #render(): string {
    return renderMetrics([
      ...modelMetrics(this.#source.models(), this.#options.hasLatencies),
      ...pinnedPoolMetrics(this.#source.pinnedMemory()),
      ...(this.#cpu?.metrics() ?? []),
    ]);
  }
}

function sendText(response: ServerResponse, text: string): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length }).end(body);
}
