import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/record/run-record.js';
import type { StudyRecord } from '../../src/record/study-record.js';
import { renderRunReport, renderStudyReport } from '../../src/report/html-report.js';
import { buildRunView } from '../../src/report/run-view.js';
import { fruitlessStudy, hostileName, sampleLevel, sampleRun, sampleStudy } from '../support/sample-records.js';
import { fullStudy, infeasibleStudy, largeStudy } from '../support/sample-studies.js';

/** Replaces every text of a record that comes from outside, keys included where they are free. */
const hostileRun: RunRecord = {
  ...sampleRun,
  model: hostileName,
  target: { ...sampleRun.target, endpoint: hostileName, server: { name: hostileName, version: '</script>' } },
  tool: { version: '1', command: ['perf-ts', '-m', hostileName, '</pre>'] },
  plan: { model: '</pre><script>alert(1)</script>' },
  warnings: [{ code: 'X', message: `${hostileName}</li>` }],
  levels: sampleRun.levels.map((level) => ({ ...level, errorCount: 1, errors: { [hostileName]: 1 } })),
};

const hostileStudy: StudyRecord = {
  ...sampleStudy,
  model: hostileName,
  trials: sampleStudy.trials.map((trial) => ({
    ...trial,
    id: `${trial.id}</script>${hostileName}`,
    variantId: trial.variantId === 'v2' ? `v2"${hostileName}</script>` : trial.variantId,
    parameters: { ...trial.parameters, [hostileName]: trial.id === 'default' ? 'a' : '</script><b>' },
    reason: hostileName,
  })),
};

const hostileFullStudy: StudyRecord = {
  ...fullStudy,
  constraints: [hostileName],
  server: { kind: 'remote', name: hostileName, endpoint: `</script>${hostileName}` },
  plan: { ...fullStudy.plan!, leftOut: [`${hostileName}</li>`] },
  importance: fullStudy.importance!.map((row) => ({ ...row, knob: `${row.knob}${hostileName}</script>` })),
  mainEffects: fullStudy.mainEffects!.map((row) => ({ ...row, knob: `${row.knob}</script>${hostileName}` })),
  pareto: {
    ...fullStudy.pareto!,
    points: fullStudy.pareto!.points.map((point) => ({
      ...point,
      variantId: `${point.variantId}</script>${hostileName}`,
    })),
  },
  confirmed: fullStudy.confirmed!.map((finalist) => ({ ...finalist, objection: `</p>${hostileName}` })),
  trials: fullStudy.trials.map((trial) => ({ ...trial, reason: `</td>${hostileName}` })),
};

describe('the page of a record', () => {
  it.each([
    ['run', 2, () => renderRunReport(hostileRun)],
    ['sweep', 3, () => renderStudyReport(hostileStudy)],
    ['sweep with everything in it', 3, () => renderStudyReport(hostileFullStudy)],
  ] as const)('lets no name of a %s become markup', async (_, scriptCount, render) => {
    const page = await render();
    const scripts = /<script>[\s\S]*?<\/script>/g;
    const withoutOurScripts = page.replace(scripts, '');
    expect(page.match(scripts)).toHaveLength(scriptCount);
    expect(withoutOurScripts).not.toMatch(/<img|<b>|<\/script>(?!\s*(<\/div>|$))/);
    expect(withoutOurScripts).toContain('&lt;img src');
  });

  it('embeds every chart’s specification as JSON that survives the embedding', async () => {
    const page = await renderStudyReport(hostileStudy);
    const blocks = [...page.matchAll(/<script type="application\/json" id="spec-([\w-]+)">([\s\S]*?)<\/script>/g)];
    expect(blocks.length).toBeGreaterThan(5);
    for (const [, , json] of blocks) expect(JSON.parse(json!)).toHaveProperty('marks');
    expect(blocks.some(([, , json]) => json!.includes('\\u003cimg src'))).toBe(true);
  });

  it('lets exactly its own scripts run, and loads nothing', async () => {
    const page = await renderRunReport(sampleRun);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
      .exec(page)?.[1]
      ?.replaceAll('&#x27;', "'")
      .replaceAll('&#x3D;', '=');
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text!);
    for (const script of scripts) {
      expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/connect-src|https?:|script-src[^;]*unsafe-inline/);
    expect(page.replace(/<script>[\s\S]*?<\/script>/g, '')).not.toMatch(/(src|href)="(?!#)|url\((?!#)|@import/);
  });

  it('shows every cell of the table as the view has it', async () => {
    const page = await renderRunReport(sampleRun);
    const levels = page.slice(page.indexOf('<tbody>'), page.indexOf('</tbody>'));
    const rows = [...levels.matchAll(/<tr>(<td[\s\S]*?)<\/tr>/g)].map(([, row]) =>
      [...row!.matchAll(/<td[^>]*>([\s\S]*?)<\/td>/g)].map(([, cell]) =>
        cell!.replace(/<span class="bounds">/, ' ').replace(/<[^>]+>/g, ''),
      ),
    );
    const { columns } = buildRunView(sampleRun);
    const expected = sampleRun.levels.map((_, row) =>
      columns.map(({ cells }) => `${cells[row]!.text} ${cells[row]!.bounds}`.trim()),
    );
    expect(rows).toEqual(expected);
  });

  it('keeps the charts’ colours to the page’s own properties', async () => {
    const page = await renderRunReport(sampleRun);
    const drawings = [...page.matchAll(/<svg [^>]*class="marks"[\s\S]*?<\/svg>/g)].map(([svg]) => svg);
    expect(drawings).toHaveLength(10);
    const colors = drawings.flatMap((svg) =>
      [...svg.matchAll(/(?:fill|stroke)="([^"]*)"/g)].map(([, color]) => color!),
    );
    expect(
      new Set(colors.filter((color) => !color.startsWith('var(--') && color !== 'none' && color !== 'transparent')),
    ).toEqual(new Set());
  });

  it.each<[string, RunRecord]>([
    ['a single level', { ...sampleRun, levels: sampleRun.levels.slice(0, 1) }],
    ['no level', { ...sampleRun, state: 'interrupted', levels: [] }],
    [
      'no server statistics',
      { ...sampleRun, modelConfig: null, levels: sampleRun.levels.map((l) => ({ ...l, server: null })) },
    ],
    [
      'no intervals',
      { ...sampleRun, levels: sampleRun.levels.map((l) => ({ ...l, latencyIntervalNs: null, timeline: [] })) },
    ],
    [
      'nothing but failures',
      {
        ...sampleRun,
        levels: sampleRun.levels.map((l) => ({
          ...l,
          verdict: 'INVALID' as const,
          requestCount: 0,
          throughputPerSec: { value: 0, low: null, high: null },
          latencyNs: null,
          latencyIntervalNs: null,
          serviceNs: null,
          sendLagNs: null,
          server: null,
        })),
      },
    ],
    [
      'sixty-four levels',
      {
        ...sampleRun,
        levels: Array.from({ length: 64 }, (_, i) => sampleLevel({ concurrency: i + 1, throughput: 200 + i })),
      },
    ],
    ['equal levels', { ...sampleRun, levels: [1, 2].map(() => sampleLevel({ concurrency: 1, throughput: 200 })) }],
  ])('is complete for a run with %s', async (_, record) => {
    const page = await renderRunReport(record);
    expect(page.trimEnd()).toMatch(/<\/html>$/);
    expect(page.replace(/<script[\s\S]*?<\/script>/g, '')).not.toMatch(/NaN|undefined|Infinity/);
  });

  it.each<[string, StudyRecord]>([
    ['nothing better', fruitlessStudy],
    [
      'no trial',
      { ...fruitlessStudy, state: 'interrupted', trials: [], default: { ...sampleStudy.default, score: null } },
    ],
    ['no failure', { ...sampleStudy, trials: sampleStudy.trials.filter(({ state }) => state === 'complete') }],
    ['one trial', { ...fruitlessStudy, trials: sampleStudy.trials.slice(0, 1) }],
    ['only failures', { ...fruitlessStudy, trials: [sampleStudy.trials[3]!, sampleStudy.trials[7]!] }],
    ['a latency objective', { ...sampleStudy, objective: { metric: 'latency_p99', direction: 'minimize' } }],
    ['everything a record can hold', fullStudy],
    ['no feasible variant', infeasibleStudy],
    [
      'several objectives',
      { ...fullStudy, objective: { metric: 'throughput and latency_p99', direction: 'maximize' } },
    ],
    ['no figure of its trials', { ...fullStudy, trials: fullStudy.trials.map((trial) => ({ ...trial, level: null })) }],
    [
      'a confirmation that gave no pair',
      { ...fullStudy, trials: withoutDefaultScores(fullStudy.trials), confirmed: [] },
    ],
  ])('is complete for a sweep with %s', async (_, record) => {
    const page = await renderStudyReport(record);
    expect(page.trimEnd()).toMatch(/<\/html>$/);
    expect(page.replace(/<script[\s\S]*?<\/script>/g, '')).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('stays below a megabyte', async () => {
    expect(Buffer.byteLength(await renderRunReport(sampleRun))).toBeLessThan(1_000_000);
  });

  it('of a sweep of three hundred trials stays below three megabytes and has every trial', async () => {
    const page = await renderStudyReport(largeStudy);
    expect(largeStudy.trials.length).toBeGreaterThan(300);
    expect(Buffer.byteLength(page)).toBeLessThan(3_000_000);
    expect(page.match(/<tr[^>]* data-state=/g)).toHaveLength(largeStudy.trials.length);
  });

  it('explains each changed setting that has a comment on its line', async () => {
    const page = await renderStudyReport(fullStudy);
    expect(page).toMatch(
      /instance_group\[0\]\.count<\/code>.*<td class="words">two instances keep both cores busy<\/td>/,
    );
    expect(page).toContain('<i># two instances keep both cores busy</i>');
  });

  it('says what to run, and offers --apply only where there is a repository to put it into', async () => {
    const own = { ...fullStudy, isDemoModel: false };
    const [demo, mine] = [await renderStudyReport(fullStudy), await renderStudyReport(own)];
    for (const page of [demo, mine]) expect(page).toContain('recommended/portable/repro.sh');
    expect(demo).not.toContain('--apply');
    expect(mine).toContain('--budget 60s --apply');
  });
});

function withoutDefaultScores(trials: StudyRecord['trials']): StudyRecord['trials'] {
  return trials.map((trial) =>
    trial.phase === 'confirmation' && trial.variantId === 'default'
      ? { ...trial, state: 'infeasible' as const, score: null }
      : trial,
  );
}
