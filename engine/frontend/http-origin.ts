/**
 * Which web pages may send requests. A page in somebody's browser can reach a server on the same machine, and could load
 * models into it; browsers name the page's origin in such requests. Other clients send no such header.
 */

/** Reads `*` or an origin as browsers write it: scheme, host, and the port where it is not the scheme's own. */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.origin !== 'null' && url.origin === text.replace(/\/$/, '')) return url.origin;
  const near = url === undefined || url.origin === 'null' ? 'https://example.com' : url.origin;
  throw new Error(`must be an origin such as ${near}, or *, not '${text}'`);
}

/** Whether a request with this Origin header is answered; one without always is. */
export const isAllowedOrigin = (origin: string | undefined, allowed: readonly string[]): boolean =>
  origin === undefined || allowed.includes('*') || allowed.includes(origin);

export const ORIGIN_REFUSAL =
  "requests of web pages are refused, because the origin is not among those of '--http-allowed-origin'";
