/** `perf-ts models`: the demo models (list, add), conversion to FP16 and the comparison of answers, each in a module. */
import { closestWord } from '../../common/closest-word.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { addZooModels, isZooModel, zooModels } from '../../onnx/zoo/zoo.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { findStrayFlags, modelsActions, modelsRows } from './models-options.js';

export const modelsCommand = defineCommand({
  usage: 'perf-ts models [list | add NAME… --to DIR | convert MODEL --fp16 --to DIR | compare MODEL VARIANT]',
  examples: [
    ['perf-ts models', 'what there is'],
    ['perf-ts models add text_recognition resnet18 --to ./models', 'write a model repository'],
    ['perf-ts models convert resnet18 --fp16 --to ./models', 'write ./models/resnet18_fp16'],
    ['perf-ts models compare resnet18 ./models/resnet18_fp16', 'how far its answers are from FP32 on the CPU'],
    [
      'perf-ts models compare resnet18 ./models/resnet18_ov --runtime openvino',
      'the same for a model served by another build',
    ],
  ],
  rows: modelsRows,
  takesPositionals: true,
  async run(values, context) {
    const [action = 'list', ...names] = context.positionals;
    if (!modelsActions.includes(action)) {
      const near = closestWord(action, modelsActions);
      const hint = near === undefined ? 'see perf-ts models --help' : `did you mean ${near}?`;
      throw new PerfTsError('BAD_OPTION', { where: action, what: `is none of ${modelsActions.join(', ')}`, hint });
    }
    const strays = findStrayFlags(action, context.argv);
    if (strays.length > 0) throw new PerfTsError('BAD_OPTION', strays);
    if (action === 'add') return addModels(names, values.to, context);
    if (action === 'convert') return (await import('./models-convert.js')).convertModel(names, values, context);
    if (action === 'compare') return (await import('./models-compare.js')).compareModels(names, values, context);
    return listModels(context);
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
