/**
 * Model Analyzer's `model_config_parameters` as knobs. Any field there may be one value or a list of values to try, a
 * message or a list of messages; fields without a knob are told and left alone.
 */

import type { KnobValue } from '../strategies/strategy.js';
import type { KnobSelection } from '../variants/search-space.js';

type Path = readonly PropertyKey[];

/** Collects values by knob, and what could not be mapped. */
export interface KnobCollector {
  add(knob: string, values: readonly KnobValue[]): void;
  note(path: Path, what: string): void;
  selection(): KnobSelection;
}

export function createCollector(note: KnobCollector['note']): KnobCollector {
  const found = new Map<string, Set<KnobValue>>();
  return {
    add(knob, values) {
      const known = found.get(knob) ?? new Set();
      for (const value of values) known.add(value);
      if (known.size > 0) found.set(knob, known);
    },
    note,
    selection: () => Object.fromEntries([...found].map(([name, values]) => [name, [...values]])),
  };
}

export type Message = Readonly<Record<string, unknown>>;
export const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isScalar = (value: unknown): value is KnobValue => ['string', 'number', 'boolean'].includes(typeof value);

/** One value or a list of values; anything else in it is left out. */
export const scalarsOf = (value: unknown): KnobValue[] => (Array.isArray(value) ? value : [value]).filter(isScalar);
export const numbersOf = (value: unknown): number[] =>
  scalarsOf(value).flatMap((entry) => (/^-?\d+(\.\d+)?$/.test(String(entry)) ? [Number(entry)] : []));

const NO_KNOB = 'is no knob here; write it into config.pbtxt of the model';

type MapField = (value: unknown, path: Path, collector: KnobCollector) => void;

/** Messages of a field that is one message, a list of them, or a list of such lists; each with its path. */
function messagesOf(value: unknown, path: Path): (readonly [Message, Path])[] {
  if (isMessage(value)) return [[value, path]];
  return Array.isArray(value) ? value.flatMap((entry, index) => messagesOf(entry, [...path, index])) : [];
}

/** Each field of each message by its own rule. */
function mapMessages(rules: Readonly<Record<string, MapField>>): MapField {
  return (value, path, collector) => {
    for (const [message, at] of messagesOf(value, path)) {
      for (const [name, field] of Object.entries(message)) {
        const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
        if (rule === undefined) collector.note([...at, name], NO_KNOB);
        else rule(field, [...at, name], collector);
      }
    }
  };
}

const numbersTo =
  (knob: string): MapField =>
  (value, _, collector) =>
    collector.add(knob, numbersOf(value));

/** [4, 8] is one list of sizes; [[4], [4, 8]] are two to try. */
const mapPreferredSizes: MapField = (value, _, collector) => {
  const lists = Array.isArray(value) && value.some(Array.isArray) ? value : [value];
  const texts = lists.map((list) => numbersOf(list).join(',')).filter((text) => text !== '');
  collector.add('preferred_batch_sizes', texts);
};

const mapBatching: MapField = (value, path, collector) => {
  collector.add('dynamic_batching', [true]);
  mapMessages({
    max_queue_delay_microseconds: numbersTo('max_queue_delay_us'),
    preferred_batch_size: mapPreferredSizes,
  })(value, path, collector);
};

const mapInstanceGroups = mapMessages({
  count: numbersTo('instance_count'),
  kind: (value, path, collector) => {
    const kinds = scalarsOf(value).map(String);
    if (kinds.some((kind) => kind === 'KIND_GPU')) {
      collector.note(path, 'the kind follows the execution provider; list cuda or tensorrt under execution_provider');
    }
  },
});

const graphLevels: Readonly<Record<string, string>> = { '-1': 'basic', '0': 'all', '1': 'extended', '2': 'disabled' };

/** Accelerators become the provider, and their parameters its options. */
const mapAccelerators: MapField = (value, path, collector) => {
  for (const [accelerator, at] of messagesOf(value, path)) {
    const names = scalarsOf(accelerator.name).map(String);
    collector.add('execution_provider', names);
    const parameters = isMessage(accelerator.parameters) ? accelerator.parameters : {};
    for (const [key, values] of Object.entries(parameters)) {
      for (const name of names) {
        const isSize = key.endsWith('_bytes');
        collector.add(
          `${name}_${key.replace(/^trt_/, '')}`,
          isSize ? numbersOf(values) : scalarsOf(values).map(toOptionValue),
        );
      }
    }
    for (const key of Object.keys(accelerator)) {
      if (key !== 'name' && key !== 'parameters') collector.note([...at, key], NO_KNOB);
    }
  }
};

const toOptionValue = (value: KnobValue): KnobValue => {
  const word = String(value).toLowerCase();
  if (word === 'true') return true;
  return word === 'false' ? false : value;
};

const mapOptimization = mapMessages({
  graph: mapMessages({
    level: (value, _, collector) =>
      collector.add(
        'graph_level',
        numbersOf(value).map((level) => graphLevels[String(level)] ?? 'all'),
      ),
  }),
  execution_accelerators: mapMessages({
    gpu_execution_accelerator: mapAccelerators,
    cpu_execution_accelerator: mapAccelerators,
  }),
});

const switchWords: Readonly<Record<string, boolean>> = {
  1: true,
  true: true,
  on: true,
  0: false,
  false: false,
  off: false,
};
const switches = (values: readonly KnobValue[]): boolean[] =>
  values.flatMap((value) => switchWords[String(value).toLowerCase()] ?? []);

const texts =
  (add: (values: readonly KnobValue[], collector: KnobCollector) => void): MapField =>
  (value, _, collector) => {
    const values = messagesOf(value, []).flatMap(([message]) => scalarsOf(message.string_value));
    add(values, collector);
  };

const threadCounts = (knob: string): MapField =>
  texts((values, collector) =>
    collector.add(
      knob,
      numbersOf(values).map((count) => (count > 0 ? count : 'default')),
    ),
  );

const mapParameters = mapMessages({
  intra_op_thread_count: threadCounts('intra_op_threads'),
  inter_op_thread_count: threadCounts('inter_op_threads'),
  execution_mode: texts((values, collector) =>
    collector.add(
      'execution_mode',
      numbersOf(values).map((mode) => (mode === 1 ? 'parallel' : 'sequential')),
    ),
  ),
  enable_mem_arena: texts((values, collector) => collector.add('memory_arena', switches(values))),
  enable_mem_pattern: texts((values, collector) => collector.add('memory_pattern', switches(values))),
});

/** A whole `model_config_parameters`; a list of alternatives counts as all of them together. */
export const mapConfigParameters: MapField = mapMessages({
  max_batch_size: numbersTo('max_batch_size'),
  instance_group: mapInstanceGroups,
  dynamic_batching: mapBatching,
  optimization: mapOptimization,
  parameters: mapParameters,
});
