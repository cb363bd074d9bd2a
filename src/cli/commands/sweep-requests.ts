/** What a sweep's requests hold: what its file says, and over it the command line. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PerfTsError, type Problem } from '../../common/errors.js';
import type { OptionValues } from '../../common/option-row.js';
import type { InputChoice } from '../../plan/input-data/input-choice.js';
import type { ShapeOption } from '../../plan/parse-load-options.js';
import type { SweptModel } from '../../tune/sweep-files/sweep-file.js';
import type { shapeRow } from './measure-options.js';
import { type ContentValues, contentRows } from './request-contents.js';
import { isGiven } from './sweep-resume.js';

type RequestValues = ContentValues & OptionValues<{ shapes: typeof shapeRow }>;

/** `file` is the sweep file's path. Throws PerfTsError BAD_FILE where its models want different shapes of one input. */
export function withFileRequests<Values extends RequestValues>(
  values: Values,
  file: string | undefined,
  models: readonly SweptModel[],
  argv: readonly string[],
): Values {
  const said = models.flatMap(({ requests }) => (requests === undefined ? [] : [requests]));
  const shapes = said.flatMap((requests) => requests.shapes);
  const given = values.shapes.map(({ input }) => input);
  checkAgreement(
    shapes.filter(({ input }) => !given.includes(input)),
    file,
  );
  const choices = said.flatMap(({ inputChoices }) => inputChoices).map((choice) => besideFile(choice, file));
  const stringLength = said.find(({ stringLengthBytes }) => stringLengthBytes !== undefined)?.stringLengthBytes;
  const stringData = said.find((requests) => requests.stringData !== undefined)?.stringData;
  const hasOwnStrings = isGiven(contentRows.stringLength, argv) || values.stringData !== undefined;
  return {
    ...values,
    shapes: [...shapes.filter(({ input }) => !given.includes(input)), ...values.shapes],
    // What is named for one input on the command line comes last and so goes before the file's.
    inputData: values.inputData.some(isGeneral) ? values.inputData : [...choices, ...values.inputData],
    ...(!hasOwnStrings && stringLength !== undefined && { stringLength }),
    ...(!hasOwnStrings && stringData !== undefined && { stringData }),
  };
}

/** Whether it says of all inputs where their values come from. */
const isGeneral = (choice: InputChoice): boolean => choice.kind === 'path' || choice.input === undefined;

/** Where the file says a path that is not here, it may be meant from the file's own folder. */
function besideFile(choice: InputChoice, file: string | undefined): InputChoice {
  if (choice.kind !== 'path' || file === undefined || existsSync(choice.path)) return choice;
  const beside = join(dirname(file), choice.path);
  return existsSync(beside) ? { ...choice, path: beside } : choice;
}

/** Requests of all models share their shapes by the inputs' names. */
function checkAgreement(shapes: readonly ShapeOption[], file = ''): void {
  const problems = shapes.flatMap(({ input, dims }, index): Problem[] => {
    const first = shapes.find((other) => other.input === input)!;
    if (first.dims.join() === dims.join() || shapes.indexOf(first) === index) return [];
    const what = `gives the input ${input} the shapes [${first.dims.join(', ')}] and [${dims.join(', ')}], and a sweep sends one`;
    return [{ where: file, what, hint: `choose with --shape ${input}:${dims.join(',')}` }];
  });
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
}
