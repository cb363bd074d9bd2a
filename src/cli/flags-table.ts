/** The reference of every command's options as Markdown, from the option rows; `docs/flags.md` is its output. */
import type { OptionRow } from '../common/option-row.js';
import { commandEntries } from './commands.js';

/** The whole text of docs/flags.md. */
export async function renderFlagsReference(): Promise<string> {
  const sections: string[] = [
    '# Options',
    'Made from the option rows in `src/` by `UPDATE_GOLDEN=1 npx vitest run test/cli/flags-table.test.ts`.',
  ];
  for (const [name, entry] of Object.entries(commandEntries)) {
    const command = await entry.load();
    const rows: readonly OptionRow<unknown>[] = Object.values(command.rows);
    sections.push(`## ${name === 'measure' ? 'perf-ts (measure)' : `perf-ts ${name}`}`);
    sections.push(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`, `\`${command.usage}\``);
    for (const group of new Set(rows.map((option) => option.group))) {
      sections.push(`### ${group}`, renderTable(rows.filter((option) => option.group === group)));
    }
  }
  return `${sections.join('\n\n')}\n`;
}

function renderTable(rows: readonly OptionRow<unknown>[]): string {
  const lines = rows.map((option) => {
    const names = [option.flag, ...option.aliases].map((name) => `\`${name.length === 1 ? '-' : '--'}${name}\``);
    const value = option.kind === 'switch' ? '' : `\`${option.placeholder.replaceAll('|', '\\|')}\``;
    const fallback = option.defaultText === undefined || option.defaultText === '' ? '' : `\`${option.defaultText}\``;
    return `| ${names.join(' ')} | ${value} | ${fallback} | ${option.help.replaceAll('|', '\\|')} |`;
  });
  return ['| option | value | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}
