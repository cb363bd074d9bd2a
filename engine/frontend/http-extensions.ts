/** The shared memory, trace and logging calls over HTTP: which paths they have, and their JSON. */
import { isObject } from '../../src/kserve/json-access.js';
import { parseJson } from '../../src/kserve/json-text.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { EngineServices } from './engine-services.js';
import {
  answerLogSettings,
  answerTraceSettings,
  cudaRegions,
  refuseCudaRegion,
  registerSystemRegion,
  systemRegions,
  unregisterSystemRegion,
} from './extension-answers.js';
import type { ModelSource } from './model-source.js';
import type { TraceChanges, TraceValues } from './trace-settings.js';

type Document = Readonly<Record<string, unknown>>;

export interface ExtensionContext {
  readonly source: ModelSource;
  readonly services: EngineServices;
}

/** Answers with a JSON document, or with an empty body for undefined. Throws ProtocolError. */
export type ExtensionAnswer = (context: ExtensionContext, body: Buffer) => unknown;

export interface ExtensionRoute {
  readonly method: 'GET' | 'POST';
  readonly answer: ExtensionAnswer;
}

const sharedMemoryPath = /^\/v2\/(system|cuda)sharedmemory(?:\/region\/([^/]+))?\/(status|register|unregister)$/;
const tracePath = /^\/v2(?:\/models\/([^/]+))?\/trace\/setting$/;

/** The routes of a path by method; undefined for a path that is none of these calls. */
export function matchExtension(path: string): readonly ExtensionRoute[] | undefined {
  if (path === '/v2/logging') return logRoutes;
  const trace = tracePath.exec(path);
  if (trace !== null) return traceRoutes(decode(trace[1] ?? ''));
  const shared = sharedMemoryPath.exec(path);
  if (shared === null) return undefined;
  const [, kind, encoded = '', action] = shared;
  const name = decode(encoded);
  const routes = kind === 'system' ? systemRoutes(name) : cudaRoutes(name);
  // Without a name there is nothing to register.
  return action === 'register' && name === '' ? undefined : [routes[action as keyof typeof routes]];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ProtocolError(`'${text}' is not a name in a path`);
  }
}

function readDocument(body: Buffer): Document {
  const document = body.length === 0 ? {} : parseJson(body.toString('utf8'), 'request');
  return isObject(document) ? document : {};
}

const systemRoutes = (name: string) =>
  ({
    status: { method: 'GET', answer: ({ services }) => systemRegions(services, name) },
    register: {
      method: 'POST',
      answer: ({ services }, body) => {
        const { key, offset = 0, byte_size } = readDocument(body);
        if (key === undefined) throw missing('key');
        if (byte_size === undefined) throw missing('byte_size');
        if (typeof key !== 'string') throw new ProtocolError("'key' must be a text");
        registerSystemRegion(services, {
          name,
          key,
          offset: count(offset, 'offset'),
          byte_size: count(byte_size, 'byte_size'),
        });
      },
    },
    unregister: { method: 'POST', answer: ({ services }) => unregisterSystemRegion(services, name) },
  }) as const satisfies Record<string, ExtensionRoute>;

const cudaRoutes = (name: string) =>
  ({
    status: { method: 'GET', answer: () => cudaRegions(name) },
    register: { method: 'POST', answer: () => refuseCudaRegion(name) },
    unregister: { method: 'POST', answer: () => undefined },
  }) as const satisfies Record<string, ExtensionRoute>;

const missing = (field: string): ProtocolError =>
  new ProtocolError(`Shared memory register request has no '${field}' field`);

function count(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ProtocolError(`'${field}' must be a whole number of bytes`);
}

const traceRoutes = (modelName: string): readonly ExtensionRoute[] => [
  {
    method: 'GET',
    answer: ({ source, services }) => traceDocument(answerTraceSettings(source, services, modelName, {})),
  },
  {
    method: 'POST',
    answer: ({ source, services }, body) =>
      traceDocument(answerTraceSettings(source, services, modelName, readTraceChanges(readDocument(body)))),
  },
];

/** The level is a list, everything else a text; null clears. */
const readTraceChanges = (document: Document): TraceChanges =>
  Object.fromEntries(
    Object.entries(document).map(([name, value]): [string, readonly string[]] => {
      if (value === null) return [name, []];
      if (name === 'trace_level') {
        if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return [name, value];
        throw new ProtocolError("'trace_level' must be a list of texts");
      }
      if (typeof value === 'string') return [name, [value]];
      throw new ProtocolError(`'${name}' must be a text`);
    }),
  );

const traceDocument = ({ trace_level: levels, ...others }: TraceValues): object => ({
  trace_level: levels,
  ...Object.fromEntries(Object.entries(others).map(([name, value]) => [name, value[0]])),
});

const logRoutes: readonly ExtensionRoute[] = [
  { method: 'GET', answer: ({ services }) => answerLogSettings(services, {}) },
  {
    method: 'POST',
    // A null leaves a setting as it is.
    answer: ({ services }, body) => {
      const changes = Object.entries(readDocument(body)).filter(([, value]) => value !== null);
      return answerLogSettings(services, Object.fromEntries(changes));
    },
  },
];
