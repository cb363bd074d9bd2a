/** What `--input-data` asks for: generated values for all inputs or for one, and files that hold values. */

/** How values are generated. */
export type GeneratedValues =
  | { readonly kind: 'random' }
  | { readonly kind: 'zero' }
  /** Whole numbers up to and with `high`, others below it. */
  | { readonly kind: 'range'; readonly low: number; readonly high: number };

export type InputChoice =
  | { readonly kind: 'generated'; readonly values: GeneratedValues; readonly input: string | undefined }
  /** A JSON file, or a folder with one file for each input. */
  | { readonly kind: 'path'; readonly path: string };

const rangePattern = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/;

/**
 * `random`, `zero`, `LOW..HIGH`, one of them behind `NAME:` for a single input, or a path. A file that is called like
 * one of these words is named as `./random`. Throws an Error for a range that is none.
 */
export function parseInputChoice(text: string): InputChoice {
  if (text === '') throw new Error('must not be empty');
  const whole = parseValues(text);
  if (whole !== undefined) return { kind: 'generated', values: whole, input: undefined };
  const colon = text.lastIndexOf(':');
  const values = colon > 0 ? parseValues(text.slice(colon + 1)) : undefined;
  return values === undefined
    ? { kind: 'path', path: text }
    : { kind: 'generated', values, input: text.slice(0, colon) };
}

function parseValues(text: string): GeneratedValues | undefined {
  if (text === 'random' || text === 'zero') return { kind: text };
  const match = rangePattern.exec(text);
  if (match === null) return undefined;
  const [low, high] = [Number(match[1]), Number(match[2])];
  if (!(low <= high)) throw new Error(`'${text}' ends before it begins`);
  return { kind: 'range', low, high };
}

/** As `parseInputChoice` reads it. */
export function formatInputChoice(choice: InputChoice): string {
  if (choice.kind === 'path') return choice.path;
  const { values, input } = choice;
  const text = values.kind === 'range' ? `${plainNumber(values.low)}..${plainNumber(values.high)}` : values.kind;
  return input === undefined ? text : `${input}:${text}`;
}

/** Without an exponent, which a range is not written with. */
const plainNumber = (value: number): string =>
  /e/.test(String(value)) ? value.toFixed(Math.abs(value) < 1 ? 20 : 0) : String(value);
