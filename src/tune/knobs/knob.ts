/**
 * What a knob is: one dimension that a study can tune, with its values on this model and host, its condition, where
 * its value is written, and what it costs. The rows are in the files beside this one; knobs.ts is the table.
 */
import type { ModelConfig } from '../../model-config/model-config.js';
import type { ProviderName } from '../../onnxruntime/provider-table.js';
import type { KnobValue } from '../strategies/strategy.js';

/** What a knob's values depend on. */
export interface KnobContext {
  /** The unchanged model's config with everything the server fills in. */
  readonly config: ModelConfig;
  readonly cpuCount: number;
  /** Execution providers that were proven here beside the CPU's own, on any build of ONNX Runtime; none when left out. */
  readonly providers?: readonly ProviderName[];
  /** Which build proved which, by the name of the runtime, where a study has several. */
  readonly runtimeProviders?: Readonly<Record<string, readonly ProviderName[]>>;
  /** CUDA devices; none when left out. */
  readonly gpuCount?: number;
  /** Memory of the smallest CUDA device. */
  readonly gpuMemoryBytes?: number;
  /** Memory of the host. */
  readonly memoryBytes?: number;
  /** Whether the model's file can be converted to FP16 here. */
  readonly canConvert?: boolean;
  /** A real Triton serves the variants, which has flags that our engine lacks. */
  readonly isTriton?: boolean;
  /** Other builds of ONNX Runtime by name, as paths of their libraries. */
  readonly runtimes?: Readonly<Record<string, string>>;
  /** The user allows variants that accept less than the unchanged model does. */
  readonly mayNarrow?: boolean;
}

/** The value a knob has in a variant: its own, or the default where the study does not tune it. */
export type ReadKnob = (name: string) => KnobValue | undefined;

/**
 * `portable`: a real Triton's ONNX Runtime backend takes it and means the same; `engine`: only the bundled engine does.
 */
export type KnobScope = 'portable' | 'engine';

/** Where a value ends up. */
export type KnobPlace = 'config' | 'accelerator' | 'server-flag' | 'model-file' | 'load';

export interface Knob {
  readonly name: string;
  /** Of any value of the knob, unless `scopeOf` says more. */
  readonly scope: KnobScope;
  /** `config` when left out. */
  readonly place?: KnobPlace;
  /** The field, flag or file it is written to, for people. */
  readonly writes: string;
  readonly isOrdered: boolean;
  /** Left out of a study that names no knobs: it seldom pays, or has to be asked for. */
  readonly isMinor?: boolean;
  /** Field names that lead to the line it writes in config.pbtxt, outermost first; none where it writes no line. */
  readonly linePath: readonly string[];
  /** Where values differ in it. */
  scopeOf?(value: KnobValue): KnobScope;
  /** Why this host cannot do it, or undefined. */
  unusable?(context: KnobContext): string | undefined;
  /** Values worth trying; fewer than two when this model leaves nothing to tune. */
  values(context: KnobContext): readonly KnobValue[];
  read(config: ModelConfig): KnobValue;
  /** A value as a person wrote it, such as `256MiB`, in the knob's own form. */
  normalize?(value: KnobValue): KnobValue;
  /** What is wrong with a normalized value, or undefined. */
  refuse(value: KnobValue, context: KnobContext): string | undefined;
  /** False where the other knobs leave it without effect. */
  isActive(read: ReadKnob): boolean;
  /** False where it contradicts the other knobs; such a variant is never made. Legal when left out. */
  isLegal?(value: KnobValue, read: ReadKnob, context: KnobContext): boolean;
  /**
   * True where a server with `to` refuses or loses something that one with `from` takes: larger requests, orders,
   * priorities. A search does not propose such a value by itself; one that a person lists is tried, and a recommendation
   * says so. Never where left out.
   */
  narrowsContract?(from: KnobValue, to: KnobValue, context: KnobContext): boolean;
  /** `config` is the user's own, not completed; fields that only repeat a server default are left out. */
  write(config: ModelConfig, value: KnobValue, context: KnobContext): ModelConfig;
  /** Flags of the server for this value; none for its default. */
  serverFlags?(value: KnobValue, context: KnobContext): readonly string[];
  /** Bytes that this value reserves whatever is sent. */
  memoryBytes?(value: KnobValue, context: KnobContext): number;
  /** Why, in a few words, for the comment beside the changed line. */
  explain(value: KnobValue): string;
}

export const scopeOfValue = (knob: Knob, value: KnobValue): KnobScope => knob.scopeOf?.(value) ?? knob.scope;

/** What a sweep may propose without being asked to narrow what clients may send. */
export const fairValues = (knob: Knob, values: readonly KnobValue[], context: KnobContext): readonly KnobValue[] => {
  if (context.mayNarrow === true || knob.narrowsContract === undefined) return values;
  const from = knob.read(context.config);
  return values.filter((to) => to === from || knob.narrowsContract?.(from, to, context) !== true);
};

export const always = (): boolean => true;
/** For knobs that write no field of the config. */
export const unchanged = (config: ModelConfig): ModelConfig => config;

/** Powers of two from 1 to `limit`. */
export function doublings(limit: number): number[] {
  const values: number[] = [];
  for (let value = 1; value <= limit; value *= 2) values.push(value);
  return values;
}

export const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

export const wholeNumber =
  (low: number, high: number) =>
  (value: KnobValue): string | undefined =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
      ? undefined
      : `must be a whole number from ${low} to ${high}`;

export const oneOfValues =
  (...values: readonly KnobValue[]) =>
  (value: KnobValue): string | undefined =>
    values.includes(value) ? undefined : `must be one of ${values.join(', ')}`;

/** Whether the model's config lets requests be batched. */
export const batches = (config: ModelConfig): boolean => (config.max_batch_size ?? 0) > 0;
