/** A strict reader of Prometheus's text format: every family has its HELP and TYPE before its samples, and comes once. */

export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < text.length) {
    const match = labelPair.exec(text);
    if (match === null) throw new Error(`labels that are none: ${text}`);
    labels[match[1]!] = match[2]!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

/** Families by name, in their order. Throws Error for text that Prometheus would not accept. */
export function parseMetrics(text: string): ReadonlyMap<string, ParsedFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ParsedFamily>();
  let name = '';
  let help = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment?.[1] === 'HELP') [, , name = '', help = ''] = comment;
    else if (comment !== null) {
      if (comment[2] !== name || families.has(name)) throw new Error(`a type at the wrong place: ${line}`);
      families.set(name, { help, type: comment[3]!, samples: [] });
    } else {
      const sample = sampleLine.exec(line);
      if (sample === null || sample[1] !== name) throw new Error(`no sample of ${name}: ${line}`);
      families.get(name)!.samples.push({ labels: parseLabels(sample[2] ?? ''), value: Number(sample[3]) });
    }
  }
  return families;
}
