/** The repository's calls over HTTP: their JSON bodies, which are optional, and what is answered. */
import { messageOf } from '../../src/common/errors.js';
import type { RepositoryParameter } from '../../src/kserve/admin-codec.js';
import { asObject } from '../../src/kserve/http-document.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { HttpCall } from './http-routes.js';
import type { ModelSource } from './model-source.js';
import { loadByRequest, repositoryIndex, unloadByRequest } from './repository-answers.js';

type RepositoryCall = Extract<HttpCall, { kind: 'index' | 'load' | 'unload' }>;

/** The answer's document; undefined for an empty body. Throws ProtocolError. */
export async function answerRepositoryCall(source: ModelSource, call: RepositoryCall, body: Buffer): Promise<unknown> {
  const document = body.length === 0 ? {} : asObject(parse(body), 'the body');
  const { repository } = call;
  if (call.kind === 'index') return repositoryIndex(source, repository, document.ready === true).map(withoutEmpty);
  const parameters = readParameters(document.parameters);
  const request = { repository_name: repository, model_name: call.name, parameters };
  await (call.kind === 'load' ? loadByRequest(source, request) : unloadByRequest(source, request));
  return undefined;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new ProtocolError(`failed to parse the request JSON buffer: ${messageOf(cause)}`);
  }
}

/** Into the kinds that gRPC has; files travel in base64. */
function readParameters(given: unknown): Record<string, RepositoryParameter> {
  if (given === undefined || given === null) return {};
  const entries = Object.entries(asObject(given, 'parameters')).map(
    ([name, value]) => [name, readParameter(name, value)] as const,
  );
  return Object.fromEntries(entries);
}

function readParameter(name: string, value: unknown): RepositoryParameter {
  if (typeof value === 'boolean') return { bool_param: value };
  if (typeof value === 'number') return { int64_param: value };
  if (typeof value !== 'string')
    throw new ProtocolError(`the parameter '${name}' must be a text, a number or a boolean`);
  if (!name.startsWith('file:')) return { string_param: value };
  const bytes = Buffer.from(value, 'base64');
  // Node passes over what is no base64; a file that came broken must not be taken for a whole one.
  const length = value.replace(/={1,2}$/, '').length;
  if (bytes.length !== Math.floor((length * 3) / 4) || length % 4 === 1) {
    throw new ProtocolError(`the parameter '${name}' is not base64`);
  }
  return { bytes_param: bytes };
}

/** Empty members are left out, as Triton does. */
const withoutEmpty = (entry: object): object =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== ''));
