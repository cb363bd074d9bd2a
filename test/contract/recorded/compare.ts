/** Compares the engine's answers with a tritonserver's: what may differ by nature is taken out of both, the rest byte by byte. */
import type { GrpcAnswer, HttpAnswer } from './send-requests.js';

export type Answers = Readonly<Record<string, HttpAnswer | GrpcAnswer>>;

export interface Difference {
  readonly request: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}

const words = 'the reason is added, or said in the words of this engine';
const parsing = 'the words are those of the JSON parser at hand';
const safer = 'what would be answered wrongly or taken for something else is refused';
const probing = 'the message names the method';

/** In what answers are known to differ; docs/engine.md tells the same to users. */
export const knownDifferences: Readonly<Record<string, string>> = {
  'GET /v2': 'the name, the version and the extensions are those of this engine',
  'FP64 negative zero': 'Triton reads -0 as the integer 0',
  'integer out of range': safer,
  'binary: header into the tensor': 'Triton’s JSON parser ends at a byte of zero',
  'no JSON': parsing,
  'no JSON at all': parsing,
  'text behind the JSON': parsing,
  'generate: empty body': parsing,
  'generate: no JSON': parsing,
  'generate_stream: no JSON': parsing,
  'index without JSON': parsing,
  'load without JSON': parsing,
  'one input too many': 'Triton names inputs in the order of a hash table, and drops a bracket',
  'broken gzip': safer,
  'GET /v2/models/%69dentity/ready': 'names in paths may be escaped',
  'GET /v2/models/%zz/ready': 'names in paths may be escaped',
  'metrics by another path': 'Triton answers 200 with an empty body',
  'grpc health of bytes that are none': 'the message says what is wrong',
  'grpc bytes that are none': 'the status is INVALID_ARGUMENT, the message says what is wrong',
  'grpc health list': probing,
  'grpc health watch': probing,
  'grpc unknown service': probing,
  'grpc unknown method': probing,
  'grpc unknown type': words,
  'grpc negative dimension': words,
  'grpc batch of nothing': words,
  'grpc load of nothing': words,
  'grpc load of no name': words,
  'grpc load of an unreadable config': words,
  'grpc load with a bad config': words,
  'load an unknown one': words,
  'load one whose config is unreadable': words,
  'load one without versions': words,
  'load one that fails': words,
  'load with an unknown parameter': 'Triton answers 500 with words that name nothing',
  'load with a config that is no JSON': words,
  'load with an empty config': words,
  'load with a file and no config': 'the parameter that is missing is named, with 400',
  'load: exponent as a text': words,
  'load: unknown field': words,
  'load: unknown enum': words,
  'load: wrong type': words,
  'load: number beyond 32 bits': words,
  'load: fraction': words,
  'load: text for a list': words,
  'load: another name': words,
  'load: negative batch size': words,
  'troubled: load of an absent model': words,
  'absent: load of an absent model': words,
};

/** A model that Triton cannot serve for want of versions is not in its index; here it is, with the reason. */
const unlisted = 'versionless';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Instants, durations and memory are never the same twice. */
const variable = ['ns', 'last_inference', 'memory_usage', 'reason'];

function withoutVariable(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutVariable);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !variable.includes(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutVariable(member)]));
}

/** Maps of a config have no order. */
function withSortedMaps(value: Json): Json {
  if (Array.isArray(value)) return value.map(withSortedMaps);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = (map: Json) => Object.fromEntries(Object.entries(map as object).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'metric_tags' || name === 'parameters' ? sorted(member) : withSortedMaps(member),
    ]),
  );
}

/** The models are Python code there and ONNX files here; a model that is unloaded takes longer there. */
const neutral = (text: string): string =>
  text
    .replaceAll(/("platform":\s?")[^"]*"/g, '$1"')
    .replaceAll(/onnxruntime|python/g, 'BACKEND')
    .replaceAll(/model\.(py|onnx)/g, 'FILE')
    .replaceAll(/"state":"UNLOADING"/g, '"state":"UNAVAILABLE"');

/** Newer versions of Triton have the time of loading too. */
const samplesOf = (metrics: string): string[] =>
  metrics
    .split('\n')
    .filter((line) => !line.includes('nv_model_load_duration_secs'))
    .map((line) => (/^#|_us[{ ]|^nv_(cpu|pinned)/.test(line) ? line.replace(/(?<=^[^#].*) \S+$/, '') : line))
    .sort();

function neutralHttp(request: string, answer: HttpAnswer): unknown {
  const { status, headers, body } = answer;
  const { 'content-type': type, ...others } = headers;
  const isError = body.startsWith('{"error":');
  // Triton calls some of its errors and its empty answers text/plain.
  const kept = isError || body === '' ? others : { ...others, 'content-type': type };
  if (request === 'metrics') return { status, headers: kept, samples: samplesOf(body) };
  const text = neutral(body);
  const isDocument = !isError && type === 'application/json' && others['inference-header-content-length'] === undefined;
  if (!isDocument || !/^[[{]/.test(text) || !/index|config|statistics/i.test(request))
    return { status, headers: kept, text };
  const document = withSortedMaps(withoutVariable(JSON.parse(text) as Json));
  const listed = Array.isArray(document)
    ? document.filter((entry) => (entry as { name: string }).name !== unlisted)
    : document;
  return { status, headers: kept, text: JSON.stringify(listed) };
}

function neutralGrpc({ code, details, message }: GrpcAnswer): unknown {
  const document = JSON.parse(neutral(JSON.stringify(message ?? null))) as Json;
  const entries = withSortedMaps(withoutVariable(document));
  return {
    code,
    details,
    message: JSON.parse(JSON.stringify(entries).replaceAll('"platform":"",', '').replaceAll('"platform":""', '')),
  };
}

const neutralAnswer = (request: string, answer: HttpAnswer | GrpcAnswer | undefined): unknown =>
  answer === undefined ? undefined : 'status' in answer ? neutralHttp(request, answer) : neutralGrpc(answer);

/** Requests whose answers differ, without those that are known to. */
export function compare(
  theirs: Answers,
  ours: Answers,
  known: Readonly<Record<string, string>> = knownDifferences,
): readonly Difference[] {
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])]
    .filter((request) => !Object.hasOwn(known, request))
    .map((request) => ({
      request,
      theirs: neutralAnswer(request, theirs[request]),
      ours: neutralAnswer(request, ours[request]),
    }))
    .filter((pair) => JSON.stringify(pair.theirs) !== JSON.stringify(pair.ours));
}
