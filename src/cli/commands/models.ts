/** `perf-ts models list` and `perf-ts models add NAME… --to DIR`: the demo models. */
import { PerfTsError, type Problem } from '../../common/errors.js';
import { withDefault } from '../../common/option-row.js';
import { parseText } from '../../common/value-parsers.js';
import { addZooModels, isZooModel, zooModels } from '../../onnx/zoo/zoo.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';

const rows = {
  to: withDefault({
    flag: 'to',
    placeholder: 'DIR',
    group: 'Output',
    help: 'model repository to write into',
    defaultText: 'models',
    parse: parseText,
  }),
} as const;

export const modelsCommand = defineCommand({
  usage: 'perf-ts models [list | add NAME… --to DIR]',
  examples: [
    ['perf-ts models', 'what there is'],
    ['perf-ts models add text_recognition resnet18 --to ./models', 'write a model repository'],
  ],
  rows,
  takesPositionals: true,
  async run({ to }, context) {
    const [action = 'list', ...names] = context.positionals;
    if (action === 'list') return listModels(context);
    if (action === 'add') return addModels(names, to, context);
    throw new PerfTsError('BAD_OPTION', {
      where: action,
      what: 'is neither list nor add',
      hint: 'see perf-ts models --help',
    });
  },
});

function listModels({ terminal }: CommandContext): number {
  const width = Math.max(...zooModels.map(({ name }) => name.length));
  for (const { name, description } of zooModels) terminal.print(`${name.padEnd(width)}  ${description}`);
  return exitCodes.ok;
}

async function addModels(names: readonly string[], to: string, { terminal }: CommandContext): Promise<number> {
  const known = zooModels.map(({ name }) => name).join(', ');
  const problems: Problem[] = names
    .filter((name) => !isZooModel(name))
    .map((name) => ({ where: name, what: 'is not a demo model', hint: `there are ${known}` }));
  if (names.length === 0) problems.push({ where: 'models add', what: 'names no model', hint: `there are ${known}` });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  for (const folder of await addZooModels(names, to)) terminal.print(`wrote ${folder}`);
  return exitCodes.ok;
}
