/** What a measuring run leaves behind beside its record: report, CSV, profile export, and the text on stdout. */
import { join } from 'node:path';
import { systemClock } from '../../common/clock.js';
import { keepWrites } from '../../common/kept-writes.js';
import type { OptionValues } from '../../common/option-row.js';
import { packageVersion } from '../../common/package-root.js';
import type { LoadPlan } from '../../plan/load-plan.js';
import { runCaveats } from '../../report/caveats.js';
import { renderRunTable } from '../../report/console-table.js';
import { describeUnstableLevels, renderPerfAnalyzerText } from '../../report/perf-analyzer/console-text.js';
import { renderRunCsv } from '../../report/perf-analyzer/level-csv.js';
import { createProfileExport, type ProfileExport } from '../../report/perf-analyzer/profile-export.js';
import type { FinishedRun, RunListener } from '../../run/run-measurement.js';
import type { CommandContext } from '../command.js';
import { writeOutput } from '../output-file.js';
import { collectsMetrics, describeSettings } from './compat.js';
import type { measureRows } from './measure-options.js';

type MeasureValues = OptionValues<typeof measureRows>;

export interface ExportingListener extends RunListener {
  /** Completes the export; call it on every way out. What could not be written comes back and is not thrown. */
  close(): Promise<readonly Error[]>;
}

/** A listener that also writes each level to the profile export. An export that fails is given up after it has said so. */
export async function withProfileExport(
  listener: RunListener,
  { profileExportFile: path, profileExportTensors: tensors }: MeasureValues,
): Promise<ExportingListener> {
  if (path === undefined) return { ...listenerOf(listener), close: async () => [] };
  const wallOffsetNs = BigInt(Date.now()) * 1_000_000n - BigInt(systemClock.now());
  const profile: ProfileExport = await createProfileExport({
    path,
    wallOffsetNs,
    version: packageVersion,
    tensors,
    say: (sentence) => listener.say(sentence),
  });
  let isGivenUp = false;
  return {
    ...listenerOf(listener),
    async onLevel(level, columns, exchanges) {
      await listener.onLevel(level, columns, exchanges);
      if (isGivenUp) return;
      await profile.addLevel(level, columns, exchanges).catch((fault: unknown) => {
        isGivenUp = true;
        throw fault;
      });
    },
    async close() {
      const writes = keepWrites(() => undefined);
      await writes.attempt(() => profile.close());
      return isGivenUp ? [] : writes.faults;
    },
  };
}

const listenerOf = (listener: RunListener): RunListener => ({
  say: (sentence) => listener.say(sentence),
  onProgress: (progress) => listener.onProgress(progress),
  onLevel: (level, columns, exchanges) => listener.onLevel(level, columns, exchanges),
});

/**
 * Writes the files first, so that what is printed last is the result and where to find it. Returns what could not be
 * written; that takes nothing else with it.
 */
export async function showRun(
  { record, store }: FinishedRun,
  values: MeasureValues,
  context: CommandContext,
): Promise<readonly Error[]> {
  const { terminal } = context;
  const writes = keepWrites(() => undefined);
  // A folder that could not take the record is gone by now, and what it lacked room for has been told.
  const hasReport =
    store.isKept &&
    (await writes.attempt(async () => {
      // Loaded late: the charts’ libraries take half a second, which a mistyped option should not wait for.
      const { renderRunReport } = await import('../../report/html-report.js');
      await store.saveText('report.html', await renderRunReport(record));
    }));
  const { csv } = values;
  if (csv !== undefined) {
    const options = { isVerbose: values.verboseCsv, hasGpuMetrics: collectsMetrics(values) };
    await writes.attempt(() => writeOutput('--csv', csv, renderRunCsv(record, options)));
  }
  const places = [
    ...(store.isKept ? [`Record  ${join(store.directory, 'run.json')}`] : []),
    ...(hasReport ? [`Report  ${join(store.directory, 'report.html')}`] : []),
  ].join('\n');
  if (values.compat !== undefined) {
    // The plan of a record that was just made is the run's own.
    terminal.print(renderPerfAnalyzerText(record, describeSettings(values, record.plan as LoadPlan)));
    for (const line of describeUnstableLevels(record)) terminal.say(line);
    // What perf_analyzer would not have said.
    for (const { kind, text } of runCaveats(record)) if (kind === 'warning') terminal.say(`Warning: ${text}`);
    terminal.say(places);
    return writes.faults;
  }
  if (values.json) terminal.printJson(record);
  else
    terminal.print(
      renderRunTable(record, {
        width: terminal.width,
        color: terminal.hasColor,
        hasFixedColumns: !terminal.hasKnownWidth,
      }),
    );
  const tell = values.json ? terminal.say : terminal.print;
  tell(`\n${places}`);
  return writes.faults;
}
