/** The options of `perf-ts models` and which of its actions each belongs to. */
import type { Problem } from '../../common/errors.js';
import { optional, repeated, toggle, withDefault } from '../../common/option-row.js';
import { parseEndpoint, parseInteger, parseText } from '../../common/value-parsers.js';
import { shapeRow } from './measure-options.js';
import { inputRows } from './request-options.js';

const words = (text: string): readonly string[] =>
  text.split(',').map((word) => {
    if (word.trim() === '') throw new Error(`must be operators or NODE:name with commas between, not '${text}'`);
    return word.trim();
  });

export const modelsRows = {
  to: withDefault({
    flag: 'to',
    placeholder: 'DIR',
    group: 'Output',
    help: 'model repository to write into',
    writes: 'folder',
    defaultText: 'models',
    parse: parseText,
  }),
  name: optional({
    flag: 'name',
    placeholder: 'NAME',
    group: 'Convert',
    help: 'name of the converted model; its old name and _fp16 when left out',
    parse: parseText,
  }),
  fp16: toggle({ flag: 'fp16', group: 'Convert', help: 'convert 32-bit floats to half precision' }),
  keepIoTypes: toggle({
    flag: 'keep-io-types',
    group: 'Convert',
    defaultText: 'true',
    help: 'inputs and outputs stay FP32, so that clients need no change',
  }),
  keepFp32: repeated({
    flag: 'keep-fp32',
    placeholder: 'OP,NODE:NAME',
    group: 'Convert',
    help: 'operators (Softmax) and single nodes (NODE:/head/Gemm) that stay FP32 beside those that always do',
    parse: words,
  }),
  samples: withDefault({
    flag: 'samples',
    placeholder: 'N',
    group: 'Compare',
    help: 'requests with seeded random inputs, one row each',
    defaultText: '32',
    parse: parseInteger(1, 100_000),
  }),
  seed: withDefault({
    flag: 'seed',
    placeholder: 'N',
    group: 'Compare',
    help: 'seed of the inputs',
    defaultText: '1',
    parse: parseInteger(0),
  }),
  shape: { ...shapeRow, group: 'Compare' },
  inputData: { ...inputRows.inputData, group: 'Compare' },
  modelRepository: optional({
    flag: 'model-repository',
    placeholder: 'DIR',
    group: 'Which model',
    help: 'repository that holds models which are named and not given as paths (default ./models if it does)',
    parse: parseText,
  }),
  ctc: toggle({
    flag: 'ctc',
    group: 'Compare',
    help: 'read outputs of rank 3 as CTC scores (blank is class 0) and give their character error rate',
  }),
  url: optional({
    flag: 'url',
    aliases: ['u'],
    placeholder: 'HOST:PORT',
    group: 'Compare',
    help: 'server that has model B; our engine when left out',
    parse: parseEndpoint,
  }),
  runtime: optional({
    flag: 'runtime',
    placeholder: 'NAME',
    group: 'Compare',
    help: 'build of ONNX Runtime that our engine serves the variant with, such as openvino; the reference stays on the bundled one',
    conflicts: ['url'],
    parse: parseText,
  }),
  json: toggle({ flag: 'json', group: 'Output', help: 'print one JSON document' }),
} as const;

const home: Readonly<Record<string, readonly string[]>> = {
  list: [],
  add: ['to'],
  convert: [
    'model-repository',
    'to',
    'name',
    'fp16',
    'keep-io-types',
    'keep-fp32',
    'shape',
    'input-data',
    'seed',
    'json',
  ],
  compare: ['model-repository', 'samples', 'seed', 'shape', 'input-data', 'ctc', 'url', 'runtime', 'json'],
};

export const modelsActions: readonly string[] = Object.keys(home);

/** An option of another action, given by mistake, is refused and not ignored. */
export function findStrayFlags(action: string, argv: readonly string[]): readonly Problem[] {
  const rows = Object.values(modelsRows);
  const flags = argv
    .filter((word) => word.startsWith('-'))
    .map((word) => word.replace(/^--?(no-)?/, '').split('=')[0]!);
  return rows
    .filter(({ flag, aliases }) => flags.includes(flag) || aliases.some((alias) => flags.includes(alias)))
    .filter(({ flag }) => home[action]?.includes(flag) === false)
    .map(({ flag }) => {
      const owners = modelsActions.filter((name) => home[name]?.includes(flag));
      return { where: `--${flag}`, what: `belongs to models ${owners.join(' and ')}, not to models ${action}` };
    });
}
