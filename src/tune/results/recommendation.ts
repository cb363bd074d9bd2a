/** Writes a proven variant up for people: an annotated config.pbtxt, its diff, and the fields that changed. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { diffModelConfigs } from '../../model-config/diff-configs.js';
import { formatModelConfig } from '../../model-config/format-config.js';
import type { Recommendation } from '../../record/study-record.js';
import { type Knob, type KnobContext, knobs, scopeOfValue } from '../knobs/knobs.js';
import type { Objective } from '../objectives/objective.js';
import { pinServerDefaults, type StudyModel, type Variant, writeKnobs } from '../variants/variants.js';
import { carryComments } from './carry-comments.js';

export type Gain = Recommendation['gain'];

/** The default's config in the layout that variants are written in, so that a diff shows changes only. */
export const formatDefaultConfig = (model: StudyModel): string =>
  model.configPbtxt === undefined ? '' : formatModelConfig(model.config);

/** `measured` is what the gain is of, where the model is one of several that were measured as one. */
export function writeRecommendation(
  model: StudyModel,
  variant: Variant,
  gain: Gain,
  objective: Objective,
  context: KnobContext,
  measured?: string,
): Recommendation {
  const annotated = annotate(variant, describeGain(model, gain, objective, measured));
  const configPbtxt = model.configPbtxt === undefined ? annotated : carryComments(model.configPbtxt, annotated);
  // Fields the default leaves to the server are compared by the value the server gives them.
  const base = writeKnobs(pinServerDefaults(model), defaultValues(variant, context), variant.changed, context);
  return {
    id: variant.id,
    configPbtxt,
    changes: diffModelConfigs(base, variant.config).map(({ path, from, to }) => ({ path, from, to })),
    gain,
    ...(variant.serverFlags !== undefined && { serverFlags: [...variant.serverFlags] }),
    ...(variant.precision !== undefined && { precision: variant.precision }),
    diff: createTwoFilesPatch(
      `default/${measured === undefined ? '' : `${model.name}/`}config.pbtxt`,
      `recommended/${measured === undefined ? '' : `${model.name}/`}config.pbtxt`,
      formatDefaultConfig(model),
      configPbtxt,
      undefined,
      undefined,
      { headerOptions: FILE_HEADERS_ONLY },
    ),
  };
}

const defaultValues = (variant: Variant, context: KnobContext): Variant['parameters'] =>
  Object.fromEntries(
    knobs.filter((knob) => variant.changed.includes(knob.name)).map((knob) => [knob.name, knob.read(context.config)]),
  );

function describeGain(model: StudyModel, gain: Gain, objective: Objective, measured?: string): string {
  const range =
    gain.low === null || gain.high === null ? '' : ` (95 % interval ${ratio(gain.low)} to ${ratio(gain.high)})`;
  const better = objective.direction === 'maximize' ? 'higher' : 'lower';
  const of = measured === undefined ? '' : ` of ${measured} together`;
  return `# perf-ts recommends this for ${model.name}: ${objective.metric}${of} ${ratio(gain.value)} times ${better} than with the default${range}`;
}

const ratio = (value: number): string => value.toFixed(2);

/** The variant's config.pbtxt with a comment on the line of each changed knob; knobs that left no line are named on top. */
function annotate(variant: Variant, headline: string): string {
  const lines = formatModelConfig(variant.config).trimEnd().split('\n');
  const lineless: string[] = [];
  for (const knob of knobs.filter(({ name }) => variant.changed.includes(name))) {
    const value = variant.parameters[knob.name]!;
    const index = findLine(lines, knob);
    const reason =
      scopeOfValue(knob, value) === 'engine' ? `${knob.explain(value)} (Triton ignores this)` : knob.explain(value);
    if (index === undefined) lineless.push(`# ${knob.name} = ${String(value)}: ${reason}`);
    else lines[index] += `${lines[index]!.includes('  # ') ? '; ' : '  # '}${reason}`;
  }
  const flags = (variant.serverFlags ?? []).map((flag) => `# start the server with ${flag}`);
  return `${[headline, ...flags, ...lineless, ...lines].join('\n')}\n`;
}

/** The line that names the knob's field inside its parents; undefined when the value is written by leaving it out. */
function findLine(lines: readonly string[], knob: Knob): number | undefined {
  let found = -1;
  for (const field of knob.linePath) {
    const names = new RegExp(`(?:^|[{,])\\s*(?:key: ")?${field}\\b`);
    const end = found < 0 ? lines.length : endOfBlock(lines, found);
    const next = lines.findIndex((line, at) => at >= found && at < end && names.test(line));
    if (next < 0) return undefined;
    found = next;
  }
  return found < 0 ? undefined : found;
}

/** Index behind the last line that is indented deeper than line `start`. */
function endOfBlock(lines: readonly string[], start: number): number {
  const depth = indentation(lines[start]!);
  const end = lines.findIndex((line, at) => at > start && indentation(line) <= depth);
  return end < 0 ? lines.length : end;
}

const indentation = (line: string): number => line.length - line.trimStart().length;
