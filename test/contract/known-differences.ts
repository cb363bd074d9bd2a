/** In what the engine's answers differ from a real tritonserver's, and why; docs/engine.md tells the same to users. */

export interface Answer {
  readonly request: string;
  readonly answer: unknown;
}

export interface Difference {
  readonly request: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}

const itself = 'the name, the version and the extensions are those of this engine';
const platform = 'the models are ONNX files here and Python code there';
const typed =
  'Triton answers wrong JSON types with 500 and the words of its JSON library; here it is 400 and the words of gRPC';
const wording = 'the words differ between Triton’s own two front ends; here both have the same';
const newer = 'newer versions of Triton have this metric';

/** Reasons by request. */
export const knownDifferences: Readonly<Record<string, string>> = {
  'http server metadata': itself,
  'grpc server metadata': itself,
  'http identity metadata': platform,
  'grpc identity metadata': platform,
  'http add_sub metadata': platform,
  'grpc add_sub metadata': platform,
  'http add_sub of a wrong shape':
    'of two wrong inputs the first one of the config is named, not the last one of a hash table',
  'http log switch of a wrong type': typed,
  'http log format': typed,
  'http input of no size': wording,
  'grpc output in shared memory as classes': wording,
  'grpc trace count too small': wording,
  'http CUDA region': 'there is no CUDA shared memory here, whatever the handle is',
  'metrics # HELP nv_model_load_duration_secs': newer,
  'metrics # TYPE nv_model_load_duration_secs': newer,
  'metrics nv_model_load_duration_secs{model="add_sub",version="1"}': newer,
  'metrics nv_model_load_duration_secs{model="identity",version="1"}': newer,
};

/** Requests whose answers differ, without those that are known to. */
export function compareAnswers(
  theirs: readonly Answer[],
  ours: readonly Answer[],
  known: Readonly<Record<string, string>> = knownDifferences,
): readonly Difference[] {
  const byRequest = (answers: readonly Answer[]) => new Map(answers.map(({ request, answer }) => [request, answer]));
  const left = byRequest(theirs);
  const right = byRequest(ours);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((request) => !Object.hasOwn(known, request))
    .map((request) => ({ request, theirs: left.get(request), ours: right.get(request) }))
    .filter((pair) => sortedJson(pair.theirs) !== sortedJson(pair.ours));
}

/** JSON with members in the order of their names. */
const sortedJson = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
