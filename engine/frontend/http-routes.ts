/** Which HTTP paths the engine answers. Pure: a path and a method in, the call that is meant out. */

export type HttpCall =
  | { readonly kind: 'live' | 'ready' | 'server-metadata' }
  /** An empty repository is what all requests should have: Triton gives names of repositories no meaning. */
  | { readonly kind: 'index'; readonly repository: string }
  | { readonly kind: 'load'; readonly repository: string; readonly name: string }
  | { readonly kind: 'unload'; readonly repository: string; readonly name: string }
  | {
      readonly kind: 'model-ready' | 'model-metadata' | 'model-config';
      readonly name: string;
      readonly version: string;
    }
  | { readonly kind: 'infer'; readonly name: string; readonly version: string }
  | { readonly kind: 'generate'; readonly name: string; readonly version: string; readonly isStreaming: boolean }
  /** An empty name asks for all models. */
  | { readonly kind: 'model-statistics'; readonly name: string; readonly version: string }
  | { readonly kind: 'not-found' | 'method-not-allowed' };

const fixedPaths: Readonly<Record<string, { readonly method: string; readonly call: HttpCall }>> = {
  '/v2': { method: 'GET', call: { kind: 'server-metadata' } },
  '/v2/health/live': { method: 'GET', call: { kind: 'live' } },
  '/v2/health/ready': { method: 'GET', call: { kind: 'ready' } },
  '/v2/models/stats': { method: 'GET', call: { kind: 'model-statistics', name: '', version: '' } },
};

const modelPath =
  /^\/v2\/models\/([^/]+)(?:\/versions\/(\d+))?(?:\/(ready|config|stats|infer|generate|generate_stream))?$/;

const repositoryPath = /^\/v2\/repository(?:\/([^/]+))?\/(?:index|models\/([^/]+)\/(load|unload))$/;

const modelCalls = {
  '': 'model-metadata',
  ready: 'model-ready',
  config: 'model-config',
  stats: 'model-statistics',
  infer: 'infer',
  generate: 'generate',
  generate_stream: 'generate',
} as const;

const posted: readonly string[] = ['infer', 'generate', 'generate_stream'];

/** The path of a URL, without a query. */
export const pathOf = (url: string): string => url.split('?', 1)[0]!;

/** `url` may carry a query, which no call has a use for. */
export function matchRoute(method: string, url: string): HttpCall {
  const path = pathOf(url);
  const fixed = Object.hasOwn(fixedPaths, path) ? fixedPaths[path] : undefined;
  if (fixed !== undefined) return fixed.method === method ? fixed.call : { kind: 'method-not-allowed' };
  const repositoryMatch = repositoryPath.exec(path);
  if (repositoryMatch !== null) return matchRepository(method, repositoryMatch);
  const match = modelPath.exec(path);
  const name = decodeName(match?.[1]);
  if (name === undefined) return { kind: 'not-found' };
  const action = (match?.[3] ?? '') as keyof typeof modelCalls;
  if (method !== (posted.includes(action) ? 'POST' : 'GET')) return { kind: 'method-not-allowed' };
  const kind = modelCalls[action];
  const version = match?.[2] ?? '';
  return kind === 'generate'
    ? { kind, name, version, isStreaming: action === 'generate_stream' }
    : { kind, name, version };
}

function matchRepository(method: string, [, repository = '', model, action]: readonly string[]): HttpCall {
  if (method !== 'POST') return { kind: 'method-not-allowed' };
  if (model === undefined) return { kind: 'index', repository };
  const name = decodeName(model);
  return name === undefined ? { kind: 'not-found' } : { kind: action === 'load' ? 'load' : 'unload', repository, name };
}

function decodeName(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
