/**
 * Which package index to ask, found as pip finds it: its environment variables, else what `pip config list` says,
 * else its configuration files, else the public index. Reads settings only; nothing here goes over the network.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface IndexSettings {
  /** In the order in which they are asked; may hold credentials. */
  readonly indexUrls: readonly string[];
  /** Folders of wheels that are looked through before any index. */
  readonly findLinks: readonly string[];
  /** True when no index may be asked. */
  readonly isOffline: boolean;
  readonly certFile: string | undefined;
}

/** What the command line says; it comes before everything that pip says. */
export interface IndexOverrides {
  readonly findLinks?: readonly string[];
  readonly isOffline?: boolean;
}

export interface PipSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of `pip config list`, or undefined where there is no pip. */
  readonly listPipConfig: () => Promise<string | undefined>;
  /** Texts of pip's configuration files, the strongest first. */
  readonly readConfigFiles: () => readonly string[];
}

const PUBLIC_INDEX = 'https://pypi.org/simple/';
const PIP_TIMEOUT_MS = 15_000;

export async function readIndexSettings(
  overrides: IndexOverrides = {},
  surroundings: PipSurroundings = systemSurroundings,
): Promise<IndexSettings> {
  const { environment } = surroundings;
  let configured: Readonly<Record<string, string>> | undefined;
  const ask = async (key: string): Promise<string | undefined> => {
    const variable = environment[`PIP_${key.toUpperCase().replaceAll('-', '_')}`];
    if (variable !== undefined && variable !== '') return variable;
    configured ??= await readConfiguration(surroundings);
    return configured[key];
  };
  const isOffline = overrides.isOffline === true || isYes(await ask('no-index'));
  return {
    indexUrls: [(await ask('index-url')) ?? PUBLIC_INDEX, ...words(await ask('extra-index-url'))].map(asFolder),
    // Addresses among them are pages of links, which pip reads too and we do not.
    findLinks: [...(overrides.findLinks ?? []), ...words(await ask('find-links'))].filter(
      (place) => !/^https?:/.test(place),
    ),
    isOffline,
    certFile: (await ask('cert')) ?? environment.REQUESTS_CA_BUNDLE ?? environment.SSL_CERT_FILE,
  };
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');
const asFolder = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
const isYes = (text: string | undefined): boolean => /^(1|true|yes|on)$/i.test(text ?? '');

async function readConfiguration(surroundings: PipSurroundings): Promise<Readonly<Record<string, string>>> {
  const listed = await surroundings.listPipConfig();
  if (listed !== undefined) return parsePipList(listed);
  return Object.assign({}, ...[...surroundings.readConfigFiles()].reverse().map(parsePipFile));
}

/** Settings of `[global]` and, stronger, `[install]`, by key. Lines are `global.index-url='https://…'`. */
export function parsePipList(text: string): Record<string, string> {
  const lines = text.split('\n').flatMap((line) => {
    const [, section = '', key = '', quoted = ''] = /^(global|install)\.([\w-]+)=(.*)$/.exec(line.trim()) ?? [];
    const value = quoted.replace(/^(['"])(.*)\1$/, '$2').replaceAll('\\n', '\n');
    return key === '' ? [] : [{ section, key: key.replaceAll('_', '-'), value }];
  });
  return merge(lines);
}

/** The same from the text of a pip.conf, whose values may go on in indented lines. */
export function parsePipFile(text: string): Record<string, string> {
  const lines: { section: string; key: string; value: string }[] = [];
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\[(.+)\]\s*$/.exec(line);
    const setting = /^([\w-]+)\s*[=:]\s*(.*)$/.exec(line);
    const last = lines.at(-1);
    if (/^\s*[#;]/.test(line)) continue;
    if (heading !== null) section = heading[1] ?? '';
    else if (setting !== null)
      lines.push({ section, key: setting[1]!.replaceAll('_', '-'), value: setting[2]!.trim() });
    else if (/^\s+\S/.test(line) && last !== undefined) last.value = `${last.value}\n${line.trim()}`.trim();
  }
  return merge(lines.filter((entry) => entry.section === 'global' || entry.section === 'install'));
}

function merge(lines: readonly { section: string; key: string; value: string }[]): Record<string, string> {
  const ordered = [...lines].sort((a, b) => Number(a.section === 'install') - Number(b.section === 'install'));
  return Object.fromEntries(ordered.map(({ key, value }) => [key, value]));
}

async function listPipConfig(): Promise<string | undefined> {
  for (const program of ['pip', 'pip3']) {
    try {
      const { stdout } = await promisify(execFile)(program, ['config', 'list'], { timeout: PIP_TIMEOUT_MS });
      return stdout;
    } catch {
      // Not there, or broken: its files can still be read.
    }
  }
  return undefined;
}

function readConfigFiles(): string[] {
  const home = homedir();
  const { PIP_CONFIG_FILE, VIRTUAL_ENV, XDG_CONFIG_HOME = join(home, '.config') } = process.env;
  const places = [
    PIP_CONFIG_FILE,
    VIRTUAL_ENV && join(VIRTUAL_ENV, 'pip.conf'),
    join(XDG_CONFIG_HOME, 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
  ];
  return places.flatMap((place) => {
    try {
      return place ? [readFileSync(place, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}

const systemSurroundings: PipSurroundings = { environment: process.env, listPipConfig, readConfigFiles };
