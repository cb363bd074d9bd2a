/** Finds a Chromium for browser tests: PERF_TS_TEST_CHROMIUM, then the usual places. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * The browser's path, or undefined, said aloud, where there is none. In CI, and where PERF_TS_TEST_CHROMIUM names a file
 * that is not there, a missing browser is an error.
 */
export function findChromium(): string | undefined {
  const named = process.env.PERF_TS_TEST_CHROMIUM;
  const found = (named ? [named] : usualPlaces).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const message = named
    ? `PERF_TS_TEST_CHROMIUM names no file: ${named}`
    : 'no Chromium found; set PERF_TS_TEST_CHROMIUM';
  if (named || process.env.CI === 'true') throw new Error(message);
  console.warn(`browser tests are skipped: ${message}`);
  return undefined;
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface TestBrowserOptions {
  readonly executablePath: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly hasScripts?: boolean;
}

/** Runs `use` in a browser with a new profile and no network, and takes both away again. */
export async function withBrowser<T>(
  options: TestBrowserOptions,
  use: (context: BrowserContext) => Promise<T>,
): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'perf-ts-chromium-'));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: options.executablePath,
      headless: true,
      args: flags,
      offline: true,
      colorScheme: options.colorScheme ?? 'light',
      javaScriptEnabled: options.hasScripts ?? true,
      viewport: { width: options.width ?? 1200, height: 900 },
    });
    try {
      return await use(context);
    } finally {
      await context.close();
    }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
