/** A package index on a loopback port that behaves as well or as badly as a test wants. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface IndexBehaviour {
  readonly page: 'json' | 'html' | 'garbage';
  readonly hasRanges: boolean;
  /** Wheels by file name. */
  readonly wheels: Readonly<Record<string, Buffer>>;
  readonly project: string;
  /** Published instead of the right hash. */
  readonly sha256?: string;
  /** Publishes none at all. */
  readonly isWithoutHashes?: boolean;
  /** The connection breaks after so many bytes of a file's answer. */
  readonly breakAfterBytes?: number;
  /** How many answers break; all of them unless given. */
  readonly breakCount?: number;
  readonly user?: string;
  readonly etag?: string;
  /** The file is another one from the first break on. */
  readonly etagAfterBreak?: string;
  /** Answers every file with this status. */
  readonly fileStatus?: number | undefined;
}

export interface PackageIndex {
  readonly url: string;
  /** What was asked: path, range and If-Range. */
  readonly requests: readonly { readonly path: string; readonly range?: string; readonly ifRange?: string }[];
  /** Bytes of files that were sent. */
  sentBytes(): number;
  behave(change: Partial<IndexBehaviour>): void;
}

export async function startPackageIndex(first: Partial<IndexBehaviour>): Promise<PackageIndex> {
  let behaviour: IndexBehaviour = {
    page: 'json',
    hasRanges: true,
    wheels: {},
    project: 'onnxruntime-openvino',
    ...first,
  };
  const requests: { path: string; range?: string; ifRange?: string }[] = [];
  let sent = 0;
  let broken = 0;
  const serveFile = (wheel: Buffer, request: IncomingMessage, response: ServerResponse): void => {
    const { hasRanges, etag = '"one"', fileStatus, breakAfterBytes, breakCount = Number.POSITIVE_INFINITY } = behaviour;
    if (fileStatus !== undefined) return void response.writeHead(fileStatus).end();
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const ifRange = request.headers['if-range'];
    const isPart = hasRanges && request.headers.range !== undefined && (ifRange === undefined || ifRange === etag);
    const start = !isPart ? 0 : from === '' ? Math.max(0, wheel.length - Number(to)) : Number(from);
    const end = !isPart || from === '' || to === '' ? wheel.length - 1 : Math.min(Number(to), wheel.length - 1);
    const body = wheel.subarray(start, end + 1);
    const headers = { 'content-length': body.length, etag };
    if (isPart) response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end}/${wheel.length}` });
    else response.writeHead(200, headers);
    if (breakAfterBytes !== undefined && body.length > breakAfterBytes && broken < breakCount) {
      broken++;
      behaviour = { ...behaviour, etag: behaviour.etagAfterBreak ?? etag };
      sent += breakAfterBytes;
      response.write(body.subarray(0, breakAfterBytes), () => setTimeout(() => response.destroy(), 20));
      return;
    }
    sent += body.length;
    response.end(body);
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { range, 'if-range': ifRange, authorization } = request.headers;
    requests.push({ path, ...(range && { range }), ...(typeof ifRange === 'string' && { ifRange }) });
    const { wheels, user, project, page, sha256, isWithoutHashes = false } = behaviour;
    if (user !== undefined && authorization !== `Basic ${Buffer.from(user).toString('base64')}`) {
      response.writeHead(401).end();
      return;
    }
    const wheel = wheels[path.replace('/files/', '')];
    if (wheel !== undefined) return serveFile(wheel, request, response);
    if (path !== `/simple/${project}/`) return void response.writeHead(404).end('not here');
    const hashOf = (content: Buffer): string => sha256 ?? createHash('sha256').update(content).digest('hex');
    if (page === 'garbage') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('hello');
    if (page === 'json') {
      const files = Object.entries(wheels).map(([filename, content]) => ({
        filename,
        url: `../../files/${filename}`,
        hashes: isWithoutHashes ? {} : { sha256: hashOf(content) },
      }));
      response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
      return void response.end(JSON.stringify({ name: project, files }));
    }
    const links = Object.entries(wheels).map(
      ([filename, content]) =>
        `<a href="../../files/${filename}${isWithoutHashes ? '' : `#sha256=${hashOf(content)}`}">${filename}</a>`,
    );
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/simple/`,
    requests,
    sentBytes: () => sent,
    behave(change) {
      behaviour = { ...behaviour, ...change };
      broken = 0;
    },
  };
}
