/** Knobs of ONNX Runtime's sessions, by the parameters that Triton's backend reads: threads, order, graph, memory. */
import type { ModelConfig } from '../../model-config/model-config.js';
import type { KnobValue } from '../strategies/strategy.js';
import { always, ascending, doublings, type Knob, type ReadKnob, wholeNumber } from './knob.js';
import { readParameter, writeGraphLevel, writeParameter } from './knob-writers.js';

const DEFAULT = 'default';
/** Triton's number for each ONNX Runtime level; `all` is the backend's default and written as no field at all. */
const graphLevels: Readonly<Record<string, number | undefined>> = {
  all: undefined,
  extended: 1,
  basic: -1,
  disabled: 2,
};

interface ThreadKnob {
  readonly name: string;
  readonly parameter: string;
  readonly isActive: (read: ReadKnob) => boolean;
  readonly isMinor?: boolean;
  readonly explanation: string;
}

/** A number of threads that ONNX Runtime chooses itself when it is left out: one a core, so that stands at the upper end. */
const threadKnob = ({ name, parameter, isActive, isMinor = false, explanation }: ThreadKnob): Knob => ({
  name,
  scope: 'portable',
  writes: `parameters.${parameter}`,
  isOrdered: true,
  isMinor,
  linePath: [parameter],
  values: ({ cpuCount }) => [...ascending([...doublings(cpuCount), cpuCount]), DEFAULT],
  read(config) {
    const written = Number.parseInt(readParameter(config, parameter) ?? '', 10);
    return written > 0 ? written : DEFAULT;
  },
  refuse: (value) =>
    value === DEFAULT || wholeNumber(1, 1024)(value) === undefined
      ? undefined
      : 'must be default or a whole number from 1 to 1024',
  isActive,
  write: (config, value) => writeParameter(config, parameter, value === DEFAULT ? undefined : String(value)),
  explain: () => explanation,
});

/** A parameter with a word for each of its texts; the first is the backend's default, written as no parameter. */
interface ChoiceKnob {
  readonly name: string;
  readonly parameter: string;
  readonly choices: readonly (readonly [value: KnobValue, text: string])[];
  readonly isActive?: (read: ReadKnob) => boolean;
  readonly explain: (value: KnobValue) => string;
}

const choiceKnob = ({ name, parameter, choices, isActive = always, explain }: ChoiceKnob): Knob => ({
  name,
  scope: 'portable',
  writes: `parameters.${parameter.includes('.') ? `"${parameter}"` : parameter}`,
  isOrdered: false,
  isMinor: true,
  linePath: [parameter],
  values: () => choices.map(([value]) => value),
  read(config) {
    const written = readParameter(config, parameter)?.toLowerCase();
    return (choices.find(([, text]) => text === switchText(written)) ?? choices[0]!)[0];
  },
  refuse: (value) =>
    choices.some(([choice]) => choice === value)
      ? undefined
      : `must be one of ${choices.map(([choice]) => String(choice)).join(', ')}`,
  isActive,
  write(config, value) {
    const index = choices.findIndex(([choice]) => choice === value);
    return writeParameter(config, parameter, index <= 0 ? undefined : choices[index]![1]);
  },
  explain,
});

/** The backend takes on and true for 1, off and false for 0. */
const switchText = (text: string | undefined): string | undefined =>
  text === 'true' || text === 'on' ? '1' : text === 'false' || text === 'off' ? '0' : text;

export const intraOpThreads = threadKnob({
  name: 'intra_op_threads',
  parameter: 'intra_op_thread_count',
  isActive: always,
  explanation: 'threads of each model instance',
});

const isParallel = (read: ReadKnob): boolean => read('execution_mode') === 'parallel';

export const executionMode = choiceKnob({
  name: 'execution_mode',
  parameter: 'execution_mode',
  choices: [
    ['sequential', '0'],
    ['parallel', '1'],
  ],
  explain: (value) =>
    value === 'parallel' ? 'independent operators run side by side' : 'one operator after the other',
});

export const interOpThreads = threadKnob({
  name: 'inter_op_threads',
  parameter: 'inter_op_thread_count',
  isActive: isParallel,
  isMinor: true,
  explanation: 'operators that run side by side',
});

export const memoryArena = choiceKnob({
  name: 'memory_arena',
  parameter: 'enable_mem_arena',
  choices: [
    [true, '1'],
    [false, '0'],
  ],
  explain: (value) => (value === true ? 'memory is kept between runs' : 'memory is returned after each run'),
});

export const arenaShrinkage = choiceKnob({
  name: 'arena_shrinkage',
  parameter: 'memory.enable_memory_arena_shrinkage',
  choices: [
    ['off', ''],
    ['cpu', 'cpu:0'],
  ],
  // Without an arena there is nothing to shrink, and the session refuses it.
  isActive: (read) => read('memory_arena') !== false,
  explain: (value) => (value === 'cpu' ? 'the arena gives memory back after each run' : 'the arena keeps its memory'),
});

export const memoryPattern = choiceKnob({
  name: 'memory_pattern',
  parameter: 'enable_mem_pattern',
  choices: [
    [true, '1'],
    [false, '0'],
  ],
  // ONNX Runtime plans memory for sequential runs only.
  isActive: (read) => !isParallel(read),
  explain: (value) => (value === true ? 'memory of a run is planned as one block' : 'memory of a run is not planned'),
});

export const graphLevel: Knob = {
  name: 'graph_level',
  scope: 'portable',
  writes: 'optimization.graph.level',
  isOrdered: true,
  linePath: ['optimization', 'level'],
  values: () => Object.keys(graphLevels),
  read(config: ModelConfig) {
    const level = config.optimization?.graph?.level;
    return Object.keys(graphLevels).find((name) => level !== undefined && graphLevels[name] === level) ?? 'all';
  },
  refuse: (value) =>
    Object.hasOwn(graphLevels, String(value)) ? undefined : `must be one of ${Object.keys(graphLevels).join(', ')}`,
  isActive: always,
  write: (config, value) => writeGraphLevel(config, graphLevels[String(value)]),
  explain: (value) => `graph optimizations of ONNX Runtime: ${String(value)}`,
};
