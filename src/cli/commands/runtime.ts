/** `perf-ts runtime`: list, install and remove builds of ONNX Runtime; comparing a model on them has a module of its own. */
import { closestWord } from '../../common/closest-word.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { formatBytes } from '../../common/format.js';
import type { OptionValues } from '../../common/option-row.js';
import { installRuntime, removeRuntime } from '../../runtime/install-runtime.js';
import { surveyRuntimes } from '../../runtime/survey-runtimes.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { runtimeCompareRows } from './runtime-compare-options.js';
import { createDownloadLine } from './runtime-download-line.js';
import { renderSurvey } from './runtime-list.js';
import { runtimeRows } from './runtime-options.js';

const rows = { ...runtimeRows, ...runtimeCompareRows } as const;

type RuntimeValues = OptionValues<typeof rows>;

/** Each action with the options that mean something for it. */
const actions: Readonly<Record<string, readonly (keyof RuntimeValues)[]>> = {
  list: ['ortLibrary', 'json'],
  install: ['findLinks', 'index', 'version', 'tensorRt', 'name', 'json'],
  remove: ['json'],
  compare: [...(Object.keys(runtimeCompareRows) as (keyof typeof runtimeCompareRows)[]), 'json'],
};

export const runtimeCommand = defineCommand({
  usage: 'perf-ts runtime [list | install openvino|cuda|cuda12|FILE|DIR | remove NAME | compare -m MODEL] [options]',
  examples: [
    ['perf-ts runtime list', 'every build, and which of its execution providers really work here'],
    ['perf-ts runtime install openvino', 'fetch what is needed of the newest build with OpenVINO'],
    ['perf-ts runtime install openvino --find-links ./wheels --no-index', 'the same without a network'],
    ['perf-ts serve --model-repository ./models --runtime openvino', 'use it'],
    ['perf-ts runtime compare -m resnet18', 'the same model on every provider that works here'],
  ],
  rows,
  takesPositionals: true,
  async run(values, context) {
    const [action = 'list', ...words] = context.positionals;
    if (!Object.hasOwn(actions, action)) throw new PerfTsError('BAD_OPTION', unknownAction(action));
    refuseStray(action, words, values);
    if (action === 'list') return list(values, context);
    if (action === 'compare') return (await import('./runtime-compare.js')).compareOnRuntimes(values, context);
    return action === 'install' ? install(words[0]!, values, context) : remove(words, values, context);
  },
});

function unknownAction(action: string): Problem {
  const near = closestWord(action, Object.keys(actions));
  const hint = near === undefined ? 'see perf-ts runtime --help' : `did you mean '${near}'?`;
  return { where: action, what: 'is not list, install, remove or compare', hint };
}

/** Options of another action would be ignored, which no option should be. */
function refuseStray(action: string, words: readonly string[], values: RuntimeValues): void {
  const problems: Problem[] = [];
  for (const key of Object.keys(rows) as (keyof RuntimeValues)[]) {
    const value = values[key];
    const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== (key === 'index');
    if (isGiven && !actions[action]!.includes(key)) {
      problems.push({
        where: `--${rows[key].flag}`,
        what: `means nothing for 'runtime ${action}'`,
        hint: 'leave it out',
      });
    }
  }
  if (action === 'list' && words.length > 0) {
    problems.push({ where: words.join(' '), what: "'runtime list' takes no further words", hint: 'leave them out' });
  }
  if (action === 'compare' && words.length > 0) {
    problems.push({ where: words.join(' '), what: 'stands without an option', hint: 'name the model with -m' });
  }
  if (action === 'install' && words.length !== 1) {
    const what = words.length === 0 ? 'names nothing to install' : 'takes one thing to install at a time';
    problems.push({
      where: 'runtime install',
      what,
      hint: 'give openvino, cuda, cuda12, or the path of a wheel, library or folder',
    });
  }
  if (action === 'remove' && words.length === 0) {
    problems.push({ where: 'runtime remove', what: 'names no runtime', hint: "'perf-ts runtime list' shows them" });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}

async function list(values: RuntimeValues, { terminal, signal }: CommandContext): Promise<number> {
  terminal.progress('Trying every provider of every build …');
  const survey = await surveyRuntimes({ ortLibrary: values.ortLibrary, signal });
  terminal.clearProgress();
  if (values.json) terminal.printJson({ schema: 'perf-ts/runtimes@1', ...survey });
  else terminal.print(renderSurvey(survey, Math.min(terminal.width, 120)));
  return exitCodes.ok;
}

async function install(what: string, values: RuntimeValues, { terminal, signal }: CommandContext): Promise<number> {
  const line = createDownloadLine();
  const { findLinks, index, version, name, tensorRt, json } = values;
  const work = installRuntime(
    { what, version, name, tensorRtFolder: tensorRt, overrides: { findLinks, isOffline: !index } },
    {
      say: (sentence) => terminal.milestone(sentence),
      progress: (progress) => terminal.progress(line(progress)),
    },
    { signal },
  );
  const outcome = await work.catch((thrown: unknown) => {
    if (signal.aborted) return undefined;
    throw thrown;
  });
  terminal.clearProgress();
  if (outcome === undefined) {
    terminal.say('Nothing was installed. What was fetched is kept; the same command goes on from there.');
    return exitCodes.interrupted;
  }
  const { runtime, isNew, fetchedBytes } = outcome;
  if (json) {
    terminal.printJson({ schema: 'perf-ts/runtime-install@1', isNew, fetchedBytes, runtime });
  } else if (isNew) {
    terminal.print(
      `installed ${runtime.name} (ONNX Runtime ${runtime.version}, ${formatBytes(runtime.sizeBytes)}) in ${runtime.folder}`,
    );
    if (fetchedBytes > 0) terminal.print(`fetched ${formatBytes(fetchedBytes)} (${fetchedBytes} bytes)`);
    terminal.print(`use it with --runtime ${runtime.name}; 'perf-ts runtime list' tries its providers`);
  } else {
    terminal.print(`${runtime.name} is installed already, in ${runtime.folder}`);
  }
  return exitCodes.ok;
}

async function remove(
  names: readonly string[],
  { json }: RuntimeValues,
  { terminal }: CommandContext,
): Promise<number> {
  const removed: { readonly name: string; readonly freedBytes: number }[] = [];
  for (const name of names) {
    const freedBytes = await removeRuntime(name);
    removed.push({ name, freedBytes });
    if (!json) terminal.print(`removed ${name}, ${formatBytes(freedBytes)}`);
  }
  if (json) terminal.printJson({ schema: 'perf-ts/runtime-remove@1', removed });
  return exitCodes.ok;
}
