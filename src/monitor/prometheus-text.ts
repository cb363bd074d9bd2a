/** Reads the text that a metrics endpoint answers with (Prometheus exposition format 0.0.4), as far as gauges and counters go. */

export type MetricKind = 'gauge' | 'counter' | 'other';

export interface MetricSample {
  /** Name and labels as one text, `name{a="b",c="d"}`, in the order of the text. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: MetricKind;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** Samples in the order of the text; lines that are none, and values that are no numbers, are left out. */
export function parsePrometheusText(text: string): MetricSample[] {
  const kinds = new Map<string, MetricKind>();
  const samples: MetricSample[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const declared = /^#\s+TYPE\s+(\S+)\s+(\S+)$/.exec(line);
    if (declared !== null) kinds.set(declared[1]!, kindOf(declared[2]!));
    const parts = line.startsWith('#') ? null : LINE.exec(line);
    if (parts === null) continue;
    const [, name = '', braces, written = ''] = parts;
    const value = numberOf(written);
    if (!Number.isFinite(value)) continue;
    const labels = readLabels(braces ?? '');
    const list = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
    const id = list.length === 0 ? name : `${name}{${list.join(',')}}`;
    samples.push({ id, name, labels, kind: kinds.get(name) ?? 'other', value });
  }
  return samples;
}

const kindOf = (word: string): MetricKind => (word === 'gauge' || word === 'counter' ? word : 'other');

const numberOf = (written: string): number =>
  /^[+-]?Inf$/i.test(written) ? Number.POSITIVE_INFINITY : Number(written);

function readLabels(braces: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, label = '', content = ''] of braces.matchAll(LABEL)) {
    labels[label] = content.replaceAll(/\\[\\"n]/g, (sequence) => escapes[sequence] ?? sequence);
  }
  return labels;
}
