/** Asks a package index what files a project has: JSON (PEP 691) where it is offered, else the HTML page (PEP 503). */
import { PerfTsError } from '../common/errors.js';
import { type HttpFetch, showUrl, unreachable } from './http-fetch.js';
import { normalizeProject } from './wheel-name.js';

export interface IndexFile {
  readonly filename: string;
  /** May hold credentials. */
  readonly url: string;
  readonly sha256: string | undefined;
  /** Withdrawn by its publisher. */
  readonly isYanked: boolean;
}

const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';
/** Large projects have pages of a few megabytes. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

/**
 * The files of a project, or undefined when the index does not have it.
 * @throws PerfTsError RUNTIME_UNUSABLE when the index cannot be reached or does not answer as one.
 */
export async function listProjectFiles(
  http: HttpFetch,
  indexUrl: string,
  project: string,
): Promise<readonly IndexFile[] | undefined> {
  const pageUrl = new URL(`${normalizeProject(project)}/`, indexUrl).href;
  const answer = await http.get(pageUrl, { accept: ACCEPT });
  if (answer.status === 404) {
    await answer.discard();
    return undefined;
  }
  if (answer.status !== 200) {
    await answer.discard();
    throw notAnIndex(pageUrl, describeStatus(answer.status));
  }
  const text = await readText(pageUrl, answer.body);
  const isJson = /json/.test(answer.header('content-type') ?? '');
  const files = isJson ? parseJsonPage(text, pageUrl) : parseHtmlPage(text, pageUrl);
  if (files === undefined) throw notAnIndex(pageUrl, 'its answer is not that of a package index');
  return files.map((file) => ({ ...file, url: withCredentials(file.url, indexUrl) }));
}

async function readText(pageUrl: string, body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of body) {
      length += piece.length;
      if (length > MAX_PAGE_BYTES) throw notAnIndex(pageUrl, 'its answer is far too long');
      pieces.push(piece);
    }
  } catch (cause) {
    throw unreachable(pageUrl, cause);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** Undefined when the text is not a PEP 691 document. Links may be relative to `pageUrl`. */
export function parseJsonPage(text: string, pageUrl: string): IndexFile[] | undefined {
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch {
    return undefined;
  }
  const files = (page as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) return undefined;
  return files.flatMap(
    (entry: { filename?: unknown; url?: unknown; hashes?: { sha256?: unknown }; yanked?: unknown }) => {
      const { filename, url, hashes, yanked } = entry ?? {};
      if (typeof filename !== 'string' || typeof url !== 'string' || !URL.canParse(url, pageUrl)) return [];
      const sha256 = typeof hashes?.sha256 === 'string' ? hashes.sha256 : undefined;
      return [{ filename, url: new URL(url, pageUrl).href, sha256, isYanked: Boolean(yanked) }];
    },
  );
}

/** Undefined when the text holds no HTML. The hash stands in the link's fragment: `#sha256=…`. */
export function parseHtmlPage(text: string, pageUrl: string): IndexFile[] | undefined {
  if (!/<(!doctype html|html|a|body|head)\b/i.test(text)) return undefined;
  return [...text.matchAll(/<a\b([^>]*)>([^<]*)<\/a>/gi)].flatMap(([, attributes = '', label = '']) => {
    const [, quoted, bare] = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
    const link = decodeEntities(quoted ?? bare ?? '');
    if (link === '' || !URL.canParse(link, pageUrl)) return [];
    const url = new URL(link, pageUrl);
    const sha256 = /^#sha256=([\da-f]+)$/i.exec(url.hash)?.[1]?.toLowerCase();
    url.hash = '';
    const filename = decodeEntities(label).trim();
    return [{ filename, url: url.href, sha256, isYanked: /\bdata-yanked\b/i.test(attributes) }];
  });
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#43': '+' };
const decodeEntities = (text: string): string =>
  text.replaceAll(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);

/** Credentials of an index hold for the files on its own host, and for no other. */
function withCredentials(fileUrl: string, indexUrl: string): string {
  const [file, index] = [new URL(fileUrl), new URL(indexUrl)];
  if (file.origin !== index.origin || file.username !== '') return fileUrl;
  file.username = index.username;
  file.password = index.password;
  return file.href;
}

/** What an HTTP status means for someone who installs. */
export function describeStatus(status: number): string {
  if (status === 401 || status === 403) return `it refuses access (HTTP ${status})`;
  if (status === 407) return 'the proxy asks for a password (HTTP 407)';
  return `it answered HTTP ${status}`;
}

function notAnIndex(url: string, what: string): PerfTsError {
  return new PerfTsError('RUNTIME_UNUSABLE', {
    where: showUrl(url),
    what: `cannot read the package index: ${what}`,
    hint: 'check PIP_INDEX_URL or pip’s index-url, or install offline with --find-links DIR --no-index',
  });
}
