/**
 * Triton's model configuration in its JSON form (protobuf field names, enum names as strings, 64-bit integers as
 * numbers). A parsed config holds only what the file says; `completeModelConfig` fills in what the server adds.
 */

export interface ReshapeConfig {
  readonly shape: readonly number[];
}

export interface InputConfig {
  readonly name: string;
  readonly data_type: string;
  readonly format?: string;
  /** Without the batch dimension when max_batch_size > 0; -1 marks a dynamic dimension. */
  readonly dims: readonly number[];
  readonly reshape?: ReshapeConfig;
  readonly is_shape_tensor?: boolean;
  readonly is_non_linear_format_io?: boolean;
  readonly allow_ragged_batch?: boolean;
  readonly optional?: boolean;
}

export interface OutputConfig {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
  readonly reshape?: ReshapeConfig;
  readonly label_filename?: string;
  readonly is_shape_tensor?: boolean;
  readonly is_non_linear_format_io?: boolean;
}

export type InstanceKind = 'KIND_AUTO' | 'KIND_GPU' | 'KIND_CPU' | 'KIND_MODEL';

export interface InstanceGroupConfig {
  readonly name?: string;
  readonly kind?: InstanceKind;
  readonly count?: number;
  readonly gpus?: readonly number[];
  readonly host_policy?: string;
  readonly passive?: boolean;
}

export interface QueuePolicyConfig {
  readonly timeout_action?: 'REJECT' | 'DELAY';
  readonly default_timeout_microseconds?: number;
  readonly allow_timeout_override?: boolean;
  readonly max_queue_size?: number;
}

export interface DynamicBatchingConfig {
  readonly preferred_batch_size?: readonly number[];
  readonly max_queue_delay_microseconds?: number;
  readonly preserve_ordering?: boolean;
  readonly priority_levels?: number;
  readonly default_priority_level?: number;
  readonly default_queue_policy?: QueuePolicyConfig;
  readonly priority_queue_policy?: Readonly<Record<string, QueuePolicyConfig>>;
}

export interface AcceleratorConfig {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface OptimizationConfig {
  readonly graph?: { readonly level?: number };
  readonly priority?: string;
  readonly execution_accelerators?: {
    readonly gpu_execution_accelerator?: readonly AcceleratorConfig[];
    readonly cpu_execution_accelerator?: readonly AcceleratorConfig[];
  };
  readonly input_pinned_memory?: { readonly enable?: boolean };
  readonly output_pinned_memory?: { readonly enable?: boolean };
}

export interface VersionPolicyConfig {
  readonly latest?: { readonly num_versions?: number };
  readonly all?: Readonly<Record<string, never>>;
  /** Numbers beyond 2^53 are texts of their digits. */
  readonly specific?: { readonly versions?: readonly (number | string)[] };
}

export interface ModelConfig {
  readonly name?: string;
  readonly platform?: string;
  readonly backend?: string;
  /** File name of the backend's library. */
  readonly runtime?: string;
  readonly version_policy?: VersionPolicyConfig;
  readonly max_batch_size?: number;
  readonly input?: readonly InputConfig[];
  readonly output?: readonly OutputConfig[];
  readonly optimization?: OptimizationConfig;
  readonly dynamic_batching?: DynamicBatchingConfig;
  readonly instance_group?: readonly InstanceGroupConfig[];
  readonly default_model_filename?: string;
  readonly parameters?: Readonly<Record<string, { readonly string_value: string }>>;
  readonly response_cache?: { readonly enable?: boolean };
  /** Fields of the published schema that perf-ts keeps but does not act on (sequence_batching, model_warmup, ...). */
  readonly [field: string]: unknown;
}
