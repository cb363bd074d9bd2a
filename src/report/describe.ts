/** Words that run and study reports share: host, time, command line. */
import { formatBytes } from '../common/format.js';
import type { RunRecord } from '../record/run-record.js';

/** The host's lines in a list of facts. */
export function describeHost(host: RunRecord['host']): { name: string; value: string }[] {
  return [
    { name: 'Processor', value: `${host.cpu}, ${host.cpuCount} logical cores` },
    { name: 'Memory', value: formatBytes(host.memoryBytes) },
    { name: 'System', value: host.os },
    { name: 'Node.js', value: host.node },
  ];
}

/** `2026-01-31 14:25:01 UTC`; what is no ISO time is shown as it is. */
export function describeTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const SAFE_WORD = /^[\w@%+=:,./-]+$/;

/** The command as a person would type it in a POSIX shell. */
export const describeCommand = (words: readonly string[]): string =>
  words.map((word) => (SAFE_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
