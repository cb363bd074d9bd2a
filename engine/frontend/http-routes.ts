/** Which HTTP paths the engine answers. Pure: a path and a method in, the call that is meant out. */

export type HttpCall =
  | { readonly kind: 'live' | 'ready' | 'server-metadata' }
  | { readonly kind: 'index' }
  | {
      readonly kind: 'model-ready' | 'model-metadata' | 'model-config';
      readonly name: string;
      readonly version: string;
    }
  | { readonly kind: 'infer'; readonly name: string; readonly version: string }
  /** An empty name asks for all models. */
  | { readonly kind: 'model-statistics'; readonly name: string; readonly version: string }
  | { readonly kind: 'not-found' | 'method-not-allowed' };

const fixedPaths: Readonly<Record<string, { readonly method: string; readonly call: HttpCall }>> = {
  '/v2': { method: 'GET', call: { kind: 'server-metadata' } },
  '/v2/health/live': { method: 'GET', call: { kind: 'live' } },
  '/v2/health/ready': { method: 'GET', call: { kind: 'ready' } },
  '/v2/models/stats': { method: 'GET', call: { kind: 'model-statistics', name: '', version: '' } },
  '/v2/repository/index': { method: 'POST', call: { kind: 'index' } },
};

const modelPath = /^\/v2\/models\/([^/]+)(?:\/versions\/(\d+))?(?:\/(ready|config|stats|infer))?$/;

const modelCalls = {
  '': 'model-metadata',
  ready: 'model-ready',
  config: 'model-config',
  stats: 'model-statistics',
  infer: 'infer',
} as const;

/** `url` may carry a query, which no call has a use for. */
export function matchRoute(method: string, url: string): HttpCall {
  const path = url.split('?', 1)[0]!.replace(/(?<=.)\/$/, '');
  const fixed = Object.hasOwn(fixedPaths, path) ? fixedPaths[path] : undefined;
  if (fixed !== undefined) return fixed.method === method ? fixed.call : { kind: 'method-not-allowed' };
  const match = modelPath.exec(path);
  const name = decodeName(match?.[1]);
  if (name === undefined) return { kind: 'not-found' };
  const action = (match?.[3] ?? '') as keyof typeof modelCalls;
  if (method !== (action === 'infer' ? 'POST' : 'GET')) return { kind: 'method-not-allowed' };
  return { kind: modelCalls[action], name, version: match?.[2] ?? '' };
}

function decodeName(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
