/** `perf-ts doctor`: what is installed, usable and missing, and what to do about it. */
import pc from 'picocolors';
import { optional, toggle } from '../../common/option-row.js';
import { packageVersion } from '../../common/package-root.js';
import { parseText } from '../../common/value-parsers.js';
import { wrapText } from '../../common/wrap-text.js';
import { inspectHost } from '../../runtime/doctor-host.js';
import { type FindingState, isHealthy, type Section } from '../../runtime/doctor-report.js';
import { describeEvidence, inspectGpus, inspectRuntimes } from '../../runtime/doctor-runtimes.js';
import { inspectFolders, inspectPrograms } from '../../runtime/doctor-tools.js';
import { surveyRuntimes } from '../../runtime/survey-runtimes.js';
import { inspectRepository } from '../../tune/studies/inspect-repository.js';
import { defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';

const rows = {
  modelRepository: optional({
    flag: 'model-repository',
    placeholder: 'DIR',
    group: 'What to look at',
    help: 'also say what in the configs of this repository has no effect (default ./models if there is one)',
    parse: parseText,
  }),
  json: toggle({ flag: 'json', group: 'Output', help: 'print one JSON document on stdout and nothing else there' }),
} as const;

const WIDEST = 120;
const DEFAULT_REPOSITORY = 'models';

export const doctorCommand = defineCommand({
  usage: 'perf-ts doctor [--model-repository DIR] [--json]',
  examples: [
    ['perf-ts doctor', 'what works here and what does not; exit code 1 when something must be mended'],
    ['perf-ts doctor --json', 'the same for a script'],
  ],
  rows,
  async run({ json, modelRepository }, { terminal, signal }) {
    terminal.progress('Looking at the host and trying every provider of every build …');
    // Time stolen by others is looked for while nothing of ours is running.
    const host = await inspectHost();
    const survey = await surveyRuntimes({ signal });
    const models = await inspectRepository({
      folder: modelRepository ?? DEFAULT_REPOSITORY,
      isAsked: modelRepository !== undefined,
      hasGpu: survey.driver.devices.length > 0,
    });
    const sections: readonly Section[] = [
      host,
      await inspectRuntimes(survey),
      inspectGpus(survey),
      await inspectFolders(),
      inspectPrograms(),
      ...(models === undefined ? [] : [models]),
      describeEvidence(),
    ];
    terminal.clearProgress();
    const healthy = isHealthy(sections);
    if (json)
      terminal.printJson({
        schema: 'perf-ts/doctor@1',
        version: packageVersion,
        healthy,
        sections,
        runtimes: survey.runtimes,
      });
    else terminal.print(renderSections(sections, Math.min(terminal.width, WIDEST), terminal.hasColor));
    return healthy ? exitCodes.ok : exitCodes.gateFailed;
  },
});

const marks: Readonly<Record<FindingState, string>> = { ok: '✓', note: '·', warning: '!', problem: '✗' };

/** The findings as text, sections apart. */
export function renderSections(sections: readonly Section[], width: number, hasColor: boolean): string {
  const colors = pc.createColors(hasColor);
  const paint = { ok: colors.green, note: colors.dim, warning: colors.yellow, problem: colors.red };
  const blocks = sections.map(({ title, findings }) => {
    const nameWidth = Math.max(...findings.map(({ name }) => name.length));
    const indent = ' '.repeat(nameWidth + 6);
    const hang = (first: string, text: string): string =>
      `${first}${wrapText(text, width - indent.length).replaceAll('\n', `\n${indent}`)}`;
    const lines = findings.flatMap(({ name, state, text, remedy }) => [
      hang(`  ${paint[state](marks[state])} ${name.padEnd(nameWidth)}  `, text),
      ...(remedy === undefined ? [] : [hang(indent, `→ ${remedy}`)]),
    ]);
    return [colors.bold(title), ...lines].join('\n');
  });
  const verdict = isHealthy(sections)
    ? 'Everything perf-ts needs is here.'
    : 'Something must be mended: see the lines marked ✗.';
  return [...blocks, verdict].join('\n\n');
}
