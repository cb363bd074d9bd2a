import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { renderRunReport, renderStudyReport } from '../../src/report/html-report.js';
import { findChromium, type TestBrowserOptions, withBrowser } from '../support/chromium.js';
import { sampleBatchRun, sampleOpenRun, sampleShapesRun } from '../support/sample-open-run.js';
import { hostileName, sampleRun, sampleStudy } from '../support/sample-records.js';
import { fullStudy } from '../support/sample-studies.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const executablePath = findChromium();

interface Visit {
  readonly page: Page;
  /** Everything the page complained about, and each address it asked for besides its own. */
  readonly complaints: readonly string[];
  readonly requests: readonly string[];
}

/** Opens `html` from disk without a network. */
async function visit<T>(
  html: string,
  options: Omit<TestBrowserOptions, 'executablePath'>,
  look: (visit: Visit) => Promise<T>,
): Promise<T> {
  const file = join(await makeTemporaryFolder(), 'report.html');
  await writeFile(file, html);
  const address = pathToFileURL(file).href;
  return withBrowser({ executablePath: executablePath!, ...options }, async (context) => {
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.url() !== address) requests.push(request.url());
    });
    await page.goto(address);
    return look({ page, complaints, requests });
  });
}

// What runs in the page is given as text, because the tests' types know no browser.
const allLive = "[...document.querySelectorAll('[data-chart]')].every((holder) => holder.dataset.live === 'true')";
const allFit = `[...document.querySelectorAll('[data-chart]')].every((holder) =>
  Math.abs(holder.querySelector('svg').getBoundingClientRect().width - holder.clientWidth) <= 2)`;
const sidewaysOverflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
const paintedColors = `(() => {
  const chart = document.querySelector('[data-chart=spec-throughput-load]');
  return [
    getComputedStyle(document.body).backgroundColor,
    getComputedStyle(chart.querySelector('.mark-line path')).stroke,
    getComputedStyle(chart.querySelector('text')).fill,
  ];
})()`;

/** Waits for vega to have redrawn every chart; returns how many there are. */
const waitUntilLive = async (page: Page): Promise<number> => {
  await page.waitForFunction(allLive);
  return page.locator('[data-live=true]').count();
};

describe.skipIf(executablePath === undefined)('a report in a browser', () => {
  it('draws all charts of a run without a network, a complaint or a sideways scroll, at any width', async () => {
    const html = await renderRunReport(sampleRun);
    await visit(html, {}, async ({ page, complaints, requests }) => {
      expect(await waitUntilLive(page)).toBe(10);
      for (const width of [1200, 800, 400]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForFunction(allFit);
        const overflow = await page.evaluate(sidewaysOverflow);
        expect(overflow, `at ${width}`).toBe(0);
      }
      expect(complaints).toEqual([]);
      expect(requests).toEqual([]);
    });
  });

  it.each([
    ['rates', sampleOpenRun],
    ['batch sizes', sampleBatchRun],
    ['shapes', sampleShapesRun],
  ])('draws %s, with all their tables, without a complaint or a sideways scroll', async (_, run) => {
    await visit(await renderRunReport(run), { width: 420 }, async ({ page, complaints, requests }) => {
      expect(await waitUntilLive(page)).toBeGreaterThan(3);
      expect(await page.evaluate(sidewaysOverflow)).toBe(0);
      expect([...complaints, ...requests]).toEqual([]);
    });
  });

  it('draws all charts of a sweep without a complaint', async () => {
    await visit(await renderStudyReport(sampleStudy), { width: 420 }, async ({ page, complaints, requests }) => {
      expect(await waitUntilLive(page)).toBe(7);
      expect([...complaints, ...requests]).toEqual([]);
    });
  });

  it('draws everything that a sweep can hold, at any width, without a complaint or a sideways scroll', async () => {
    await visit(await renderStudyReport(fullStudy), {}, async ({ page, complaints, requests }) => {
      // Confirmation, importance, trade-offs, ranking, one for each of six knobs, and the best so far.
      expect(await waitUntilLive(page)).toBe(11);
      for (const width of [1200, 420]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForFunction(allFit);
        expect(await page.evaluate(sidewaysOverflow), `at ${width}`).toBe(0);
      }
      expect([...complaints, ...requests]).toEqual([]);
    });
  });

  it('lets the reader choose which two metrics of the trade-offs to see', async () => {
    await visit(await renderStudyReport(fullStudy), {}, async ({ page, complaints }) => {
      await waitUntilLive(page);
      const chart = page.locator('[data-chart=spec-study-pareto]');
      expect(await chart.textContent()).toContain('p99 latency (ms), less is better');
      await page.getByLabel('Up').selectOption('server memory');
      await page.waitForFunction(
        "document.querySelector('[data-chart=spec-study-pareto]').textContent.includes('server memory (MiB), less is better')",
      );
      expect(await chart.textContent()).not.toContain('p99 latency (ms), less is better');
      expect(complaints).toEqual([]);
    });
  });

  it('sorts the trials by a column, the ones without a value last, and shows those asked for', async () => {
    await visit(await renderStudyReport(fullStudy), {}, async ({ page }) => {
      const rows = page.locator('table[data-trials] tbody tr:visible');
      const scores = async () =>
        (await rows.locator('td:nth-child(5)').allInnerTexts()).map((text) =>
          Number(text.split('\n')[0]!.replace(/[(,)]/g, '')),
        );
      const count = fullStudy.trials.length;
      expect(await rows.count()).toBe(count);
      const head = page.getByRole('columnheader', { name: /^Throughput/ }).last();
      await head.getByRole('button').focus();
      await page.keyboard.press('Enter');
      expect(await head.getAttribute('aria-sort')).toBe('ascending');
      const rising = (await scores()).filter((score) => !Number.isNaN(score));
      expect(rising).toEqual(rising.toSorted((a, b) => a - b));
      expect((await scores()).at(-1)).toBeNaN();
      await page.getByLabel('State').selectOption('failed');
      expect(await rows.count()).toBe(fullStudy.trials.filter(({ state }) => state === 'failed').length);
      await page.getByLabel('State').selectOption('');
      await page.getByLabel('Show').fill('SIGKILL instance_count');
      expect(await rows.count()).toBe(fullStudy.trials.filter(({ reason }) => reason?.includes('SIGKILL')).length);
      expect(await page.locator('.filters output').textContent()).toMatch(new RegExp(`^\\d+ of ${count} trials$`));
    });
  });

  it('reads without scripts: headline, table and drawings are there', async () => {
    await visit(await renderRunReport(sampleRun), { hasScripts: false }, async ({ page }) => {
      expect(await page.locator('.headline').textContent()).toContain('Peak 405 inferences/s');
      expect(await page.locator('tbody').first().locator('tr').count()).toBe(7);
      const boxes = await Promise.all((await page.locator('.chart > svg').all()).map((svg) => svg.boundingBox()));
      expect(boxes).toHaveLength(10);
      for (const box of boxes) expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(80);
    });
  });

  it('shows a level’s numbers where the pointer is, and takes them away again', async () => {
    await visit(await renderRunReport(sampleRun), {}, async ({ page }) => {
      await waitUntilLive(page);
      const tip = page.locator('.tip');
      expect(await tip.isVisible()).toBe(false);
      const point = page.locator('[data-chart=spec-throughput-load] [aria-roledescription=point]').first();
      await point.hover();
      await tip.waitFor({ state: 'visible' });
      expect(((await tip.textContent()) ?? '').split('\n').slice(0, 2)).toEqual([
        'Concurrency 1',
        '182 ± 2 inferences/s',
      ]);
      await page.locator('h1').hover();
      await tip.waitFor({ state: 'hidden' });
    });
  });

  it('follows the reader’s choice of light or dark, drawings included', async () => {
    const html = await renderRunReport(sampleRun);
    const colorsIn = (colorScheme: 'light' | 'dark') =>
      visit(html, { colorScheme, hasScripts: false }, async ({ page }) => page.evaluate<string[]>(paintedColors));
    const light = await colorsIn('light');
    const dark = await colorsIn('dark');
    light.forEach((color, index) => {
      expect(color).toMatch(/^rgb\(/);
      expect(dark[index]).not.toBe(color);
    });
  });

  it('runs nothing that a name or a message carries', async () => {
    const errors = { [`</script><script>alert(1)</script>${hostileName}`]: 1 };
    const record = {
      ...sampleRun,
      model: hostileName,
      levels: sampleRun.levels.map((level) => ({ ...level, errors })),
    };
    await visit(await renderRunReport(record), {}, async ({ page, complaints }) => {
      await waitUntilLive(page);
      expect(await page.locator('h1').textContent()).toBe(hostileName);
      expect(await page.locator('main img').count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });
});
