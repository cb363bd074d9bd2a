/**
 * A model may refuse values that were generated for it: token types, indices and lengths have ranges that no shape
 * tells. What it says then is turned into which inputs were generated, with which range, and how to give another.
 */
import type { Problem } from '../common/errors.js';
import type { InputPlan, ModelLoad } from './load-plan.js';

/** How kernels say that a whole number was none that they can take. */
const refusalPattern =
  /out of (?:data )?bounds|out of range|must be within the inclusive range|index(?:es)? .*(?:invalid|exceed)|indices .*(?:invalid|exceed|element)|invalid (?:index|indice|axis|shape|depth)|cannot reshape|could not be reshaped|Invalid input shape|negative (?:value|dimension)|invalid expand shape|broadcast/i;

const rangePattern = /inclusive range \[(-?\d+), ?(-?\d+)\]/;

/** Generated whole numbers lie in this range where none is given. */
const GENERATED = { low: 0, high: 99 };

/** Undefined where `message` is about something else, or no whole numbers were generated. */
export function explainRefusedValues(message: string, { model, shapeVariants }: ModelLoad): Problem | undefined {
  if (!refusalPattern.test(message)) return undefined;
  const generated = (shapeVariants[0] ?? []).filter(isGeneratedInteger);
  const [, , most] = rangePattern.exec(message) ?? [];
  const limit = most === undefined ? undefined : Number(most);
  // Where the kernel tells its range, inputs that keep it are not the cause.
  const suspects = limit === undefined ? generated : generated.filter((input) => rangeOf(input).high > limit);
  const [first] = suspects;
  if (first === undefined) return undefined;
  const listed = suspects.map(
    (input) => `${input.name} (${input.dataType}, ${rangeOf(input).low}..${rangeOf(input).high})`,
  );
  return {
    where: '--input-data',
    what: `${model} refuses values that were generated for ${listed.join(', ')}: ${causeOf(message)}`,
    hint: `give a range that it takes, such as --input-data ${first.name}:0..${limit ?? 1}, or real values in a file`,
  };
}

const isGeneratedInteger = ({ dataType, source }: InputPlan): boolean =>
  source.kind === 'random' && /^U?INT/.test(dataType);

const rangeOf = ({ source }: InputPlan): { readonly low: number; readonly high: number } =>
  source.kind === 'random' && source.low !== undefined && source.high !== undefined
    ? { low: source.low, high: source.high }
    : GENERATED;

/** The kernel's own words, without what ONNX Runtime puts before them. */
const causeOf = (message: string): string =>
  message
    .replace(/^.*?Status Message: /s, '')
    .replace(/^\/?\S*\.(?:cc|h):\d+ .*?\) /, '')
    .slice(0, 300);
