/** A recommendation as it is shown: its gain, each change with its reason, the diff, and what to run with it. */
import { join } from 'node:path';
import { formatGain } from '../../common/format.js';
import type { Recommendation, StudyRecord } from '../../record/study-record.js';
import { describeCommand } from '../describe.js';

export interface Change {
  readonly path: string;
  readonly from: string;
  readonly to: string;
  /** Why, from the comment on the changed line; may be empty. */
  readonly reason: string;
}

/** A command and what it is for. */
export interface Step {
  readonly purpose: string;
  readonly command: string;
}

export interface RecommendationView {
  readonly kind: 'portable' | 'engine';
  readonly title: string;
  readonly id: string;
  readonly gain: string;
  readonly changes: readonly Change[];
  /** What the config does not say: server flags, a converted model. */
  readonly needs: readonly string[];
  readonly configPbtxt: string;
  readonly diff: string;
  readonly steps: readonly Step[];
}

const titles = {
  portable: 'Recommended config.pbtxt',
  engine: 'Recommended for the bundled engine only',
} as const;

/** The portable one first. */
export function recommendationViews(record: StudyRecord): RecommendationView[] {
  return (['portable', 'engine'] as const).flatMap((kind): RecommendationView[] => {
    const found = record.recommended[kind];
    if (found === null) return [];
    return [
      {
        kind,
        title: titles[kind],
        id: found.id,
        gain: formatGain(found.gain),
        changes: describeChanges(found),
        needs: describeNeeds(found),
        configPbtxt: found.configPbtxt,
        diff: found.diff,
        steps: stepsFor(record, found, kind),
      },
    ];
  });
}

function describeNeeds({ serverFlags = [], precision }: Recommendation): string[] {
  return [
    ...(serverFlags.length === 0 ? [] : [`The server must be started with ${serverFlags.join(' ')}.`]),
    ...(precision === 'fp16' ? ['The model file is converted to FP16; it lies beside the config.'] : []),
  ];
}

function describeChanges({ changes, diff, models = [] }: Recommendation): Change[] {
  return changes.map(({ path, from, to }) => {
    const model = models.find(({ name }) => path.startsWith(`${name}.`))?.name;
    return { path, from: show(from), to: show(to), reason: reasonFor(path, addedComments(diffOf(diff, model))) };
  });
}

/** One model's part of a diff of several. */
function diffOf(diff: string, model: string | undefined): string {
  if (model === undefined) return diff;
  return diff.split(/^(?=--- default\/)/m).find((part) => part.startsWith(`--- default/${model}/`)) ?? '';
}

interface Comment {
  readonly code: string;
  readonly words: string;
}

/** Added lines of a diff that end in a comment. */
const addedComments = (diff: string): Comment[] =>
  diff.split('\n').flatMap((line) => {
    const match = /^\+\s*([^\s#].*?)\s+# (.+)$/.exec(line);
    return match === null ? [] : [{ code: match[1]!, words: match[2]! }];
  });

/** The comment on the line that has the innermost name of the path; a parameter's comment stands at its key. */
function reasonFor(path: string, comments: readonly Comment[]): string {
  for (const name of (path.match(/\w*[A-Za-z]\w*/g) ?? []).reverse()) {
    const word = new RegExp(`\\b${name}\\b`);
    const found = comments.find(({ code }) => word.test(code));
    if (found !== undefined) return found.words;
  }
  return '';
}

/** A config value; a side that does not have the field is `unset`. */
const show = (value: unknown): string =>
  value === null || value === undefined ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);

/** Commands that work from the folder in which the sweep ran. */
function stepsFor(record: StudyRecord, { serverFlags = [] }: Recommendation, kind: 'portable' | 'engine'): Step[] {
  const repository = join(record.directory, 'recommended', kind);
  const serve = ['--model-repository', repository, ...serverFlags];
  const apply = [...record.tool.command.filter((word) => word !== '--apply'), '--apply'];
  const canApply = kind === 'portable' && !record.isDemoModel && !record.tool.command.includes('--apply');
  return [
    {
      purpose: 'Measure the default and this again, in turn',
      command: describeCommand(['sh', join(repository, 'repro.sh')]),
    },
    ...(kind === 'portable'
      ? [{ purpose: 'Serve it with Triton', command: describeCommand(['tritonserver', ...serve]) }]
      : []),
    { purpose: 'Serve it with the bundled engine', command: describeCommand(['perf-ts', 'serve', ...serve]) },
    ...(canApply
      ? [
          {
            purpose: 'Tune again and put the result into the model repository, after a copy of what it replaces',
            command: describeCommand(apply),
          },
        ]
      : []),
  ];
}
