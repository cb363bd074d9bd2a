/** The repository's calls over HTTP: their JSON bodies, which are optional, and what is answered. */
import type { RepositoryParameter } from '../../src/kserve/admin-codec.js';
import { asBoolean, asText, findMember, memberNames } from '../../src/kserve/json-access.js';
import { parseJson } from '../../src/kserve/json-text.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { HttpCall } from './http-routes.js';
import type { ModelSource } from './model-source.js';
import { loadByRequest, repositoryIndex, unloadByRequest } from './repository-answers.js';

type RepositoryCall = Extract<HttpCall, { kind: 'index' | 'load' | 'unload' }>;

/** The answer's document; undefined for an empty body. Throws ProtocolError. */
export async function answerRepositoryCall(source: ModelSource, call: RepositoryCall, body: Buffer): Promise<unknown> {
  if (call.kind === 'index') {
    const ready = findMember(readDocument(body), 'ready');
    const onlyReady = ready !== undefined && asBoolean(ready);
    // Over HTTP Triton passes over the name of the repository.
    return repositoryIndex(source, '', onlyReady).map(withoutEmpty);
  }
  const request = { repository_name: call.repository, model_name: call.name };
  // What an unload brings along is passed over by Triton, whatever it is.
  if (call.kind === 'unload') await unloadByRequest(source, { ...request, parameters: {} });
  else await loadByRequest(source, { ...request, parameters: readParameters(readDocument(body)) });
  return undefined;
}

const readDocument = (body: Buffer): unknown => (body.length === 0 ? {} : parseJson(body.toString('utf8'), 'request'));

/** Into the kinds that gRPC has; files travel in base64. */
function readParameters(document: unknown): Record<string, RepositoryParameter> {
  const given = findMember(document, 'parameters');
  if (given === undefined) return {};
  return Object.fromEntries(
    memberNames(given).map((name) => [name, readParameter(name, asText(findMember(given, name)))] as const),
  );
}

function readParameter(name: string, value: string): RepositoryParameter {
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
