import { describe, expect, it } from 'vitest';
import type { StudyRecord } from '../../src/record/study-record.js';
import { renderStudyReport } from '../../src/report/html-report.js';
import { modelsTable } from '../../src/report/study/models-table.js';
import { recommendationViews } from '../../src/report/study/recommendation-view.js';
import { renderStudyReportText } from '../../src/report/study-console.js';
import { rowsOf } from '../../src/report/tables/side-table.js';
import { sampleStudy } from '../support/sample-records.js';

const models = [
  { name: 'detector', weight: 3 },
  { name: 'reader', weight: 1 },
];
const diffOf = (model: string): string =>
  `--- default/${model}/config.pbtxt\n+++ recommended/${model}/config.pbtxt\n@@ -1,1 +1,2 @@\n name: "${model}"\n+max_batch_size: 8\n`;

/** The sample study as one of two models: the reader has a third of the detector's requests and is slower. */
const study: StudyRecord = {
  ...sampleStudy,
  model: 'detector+reader',
  models,
  recommended: {
    ...sampleStudy.recommended,
    portable: {
      ...sampleStudy.recommended.portable!,
      diff: diffOf('detector') + diffOf('reader'),
      models: models.map(({ name }) => ({ name, configPbtxt: `name: "${name}"\n` })),
    },
  },
  trials: sampleStudy.trials.map((trial) => {
    const { level } = trial;
    if (level === null) return trial;
    const { value } = level.throughputPerSec;
    const shares = models.map(({ name, weight }) => ({
      model: name,
      weight,
      requestCount: 100 * weight,
      errorCount: 0,
      throughputPerSec: { value: (value * weight) / 4, low: null, high: null },
      latencyNs: { ...level.latencyNs!, p99: 30e6 / weight },
    }));
    return { ...trial, level: { ...level, models: shares } };
  }),
};

describe('the report of a study of several models', () => {
  it('has what each model got with the default and with what is recommended', () => {
    const { columns } = modelsTable(study)!;
    const { id } = study.recommended.portable!;
    expect(columns.map(({ title }) => title)).toEqual(['Model', 'Weight', 'Metric', 'default', id, 'ratio']);
    const rows = rowsOf(modelsTable(study)!);
    expect(rows.map(([model, weight, metric]) => [model, weight, metric])).toEqual([
      ['detector', '3', 'throughput'],
      ['', '', 'p50 latency'],
      ['', '', 'p99 latency'],
      ['reader', '1', 'throughput'],
      ['', '', 'p50 latency'],
      ['', '', 'p99 latency'],
    ]);
    expect(rows[2]!.slice(3)).toEqual(['10.0 ms', '10.0 ms', '1.00x']);
    expect(rows[5]!.slice(3)).toEqual(['30.0 ms', '30.0 ms', '1.00x']);
  });

  it('shows it in a terminal, and where the proof is on the page, before the figures', async () => {
    expect(renderStudyReportText(study, { width: 100, color: false })).toMatch(/By model\nModel +Weight +Metric/);
    const html = await renderStudyReport(study);
    expect(html.indexOf('By model')).toBeGreaterThan(html.indexOf('Side by side'));
    expect(html.indexOf('By model')).toBeLessThan(html.indexOf('Confirmation runs'));
  });

  it('explains each model’s change by the comment in its own file', () => {
    const portable = {
      ...study.recommended.portable!,
      diff:
        diffOf('detector').replace('size: 8', 'size: 8  # few') +
        diffOf('reader').replace('size: 8', 'size: 8  # many'),
      changes: models.map(({ name }) => ({ path: `${name}.max_batch_size`, from: 32, to: 8 })),
    };
    const [view] = recommendationViews({ ...study, recommended: { portable, engine: null } });
    expect(view!.changes.map(({ reason }) => reason)).toEqual(['few', 'many']);
  });

  it('has each model’s differences under the path of its file', async () => {
    const html = await renderStudyReport(study);
    for (const { name } of models) expect(html).toContain(`<span class="place">${name}/config.pbtxt</span>`);
    expect(html).not.toContain('recommended/reader/config.pbtxt</span>');
    expect(html).not.toContain('--- default/');
  });
});
