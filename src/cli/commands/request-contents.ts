/** What requests hold, as commands that send any take it: the options, what they mean, and how they are given again. */
import { resolve } from 'node:path';
import type { OptionValues } from '../../common/option-row.js';
import { NANOS_PER_MICRO } from '../../common/units.js';
import { readDataFiles } from '../../plan/input-data/data-files.js';
import { formatInputChoice, type InputChoice } from '../../plan/input-data/input-choice.js';
import type { RequestContents } from '../../plan/request-contents.js';
import { inputRows, requestRows } from './request-options.js';

export const contentRows = {
  ...inputRows,
  requestParameters: requestRows.requestParameters,
  priority: requestRows.priority,
  serverTimeout: requestRows.serverTimeout,
} as const;

export type ContentValues = OptionValues<typeof contentRows>;

/** Reads the data files. Throws PerfTsError BAD_FILE with every problem of theirs. */
export async function readContents(values: ContentValues): Promise<RequestContents> {
  return {
    ...(await readInputData(values.inputData)),
    stringLengthBytes: values.stringLength,
    stringData: values.stringData,
    validationTolerance: values.validationTolerance,
    requestParameters: parametersOf(values),
  };
}

/** The same of `--input-data` alone. */
export async function readInputData(
  choices: readonly InputChoice[],
): Promise<Pick<RequestContents, 'inputChoices' | 'dataFiles'>> {
  const paths = choices.flatMap((choice) => (choice.kind === 'path' ? [choice.path] : []));
  return { inputChoices: choices, dataFiles: await readDataFiles(paths) };
}

function parametersOf({
  requestParameters,
  priority,
  serverTimeout,
}: ContentValues): RequestContents['requestParameters'] {
  const parameters = {
    ...Object.fromEntries(requestParameters),
    ...(priority !== undefined && { priority }),
    ...(serverTimeout !== undefined && { timeout: Math.round(serverTimeout / NANOS_PER_MICRO) }),
  };
  return Object.keys(parameters).length === 0 ? undefined : parameters;
}

/** The arguments that say the same to a command that measures, from any folder. */
export function contentArguments(values: ContentValues): string[] {
  const option = (flag: string, value: number | string | undefined): string[] =>
    value === undefined ? [] : [`--${flag}`, String(value)];
  const parameters = values.requestParameters.map(([name, value]) => `${name}:${value}:${typeOf(value)}`);
  return [
    ...values.inputData.flatMap((choice) => [
      '--input-data',
      formatInputChoice(choice.kind === 'path' ? { ...choice, path: resolve(choice.path) } : choice),
    ]),
    ...(values.stringData === undefined ? option('string-length', values.stringLength) : []),
    ...option('string-data', values.stringData),
    ...option('validation-tolerance', values.validationTolerance),
    ...parameters.flatMap((text) => ['--request-parameter', text]),
    ...option('priority', values.priority),
    ...(values.serverTimeout === undefined ? [] : ['--server-timeout', `${values.serverTimeout / NANOS_PER_MICRO}us`]),
  ];
}

function typeOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return Number.isInteger(value) ? 'int' : 'double';
}
