/** The scripts a page carries, and the policy that lets these run and nothing else: no network, no other script. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../common/package-root.js';

/** JSON that may stand in a `<script>` element: it can neither end it nor open a comment. */
export const escapeJson = (json: string): string =>
  json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/** Script text that may stand in a `<script>` element. In JavaScript these appear only within strings and regexes. */
const escapeScript = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .replace(/<\/(script)/gi, '<\\/$1')
    .replace(/<!--/g, '<\\!--')
    .replace(/<(script)/gi, '\\x3c$1')
    .trim();

/** vega's browser build, then what turns the page's drawings into live ones. */
export async function pageScripts(): Promise<string[]> {
  const vegaFolder = dirname(createRequire(import.meta.url).resolve('vega'));
  const vega = await readFile(join(vegaFolder, 'vega.min.js'), 'utf8');
  return [vega, await readOwn('enhance.js')].map(escapeScript);
}

/** What makes the table of trials sort and filter. */
export const trialScripts = async (): Promise<string[]> => [escapeScript(await readOwn('trial-table.js'))];

const readOwn = (name: string): Promise<string> => readFile(join(packageRoot, 'templates', name), 'utf8');

/**
 * The page's Content-Security-Policy. `unsafe-eval` is there because vega compiles its expressions; a script that is not
 * one of `scripts` does not run at all, so nothing else can use it.
 */
export function contentSecurityPolicy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  const scriptSource = hashes.length === 0 ? "'none'" : `${hashes.join(' ')} 'unsafe-eval'`;
  return [
    "default-src 'none'",
    `script-src ${scriptSource}`,
    "style-src 'unsafe-inline'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
