/** What is known of an execution provider: one row of the provider table. */
import type { AppendProvider, ProviderValues } from '../provider-append.js';
import type { ProviderOption } from '../provider-options.js';

export type ProviderName =
  | 'cpu'
  | 'cuda'
  | 'tensorrt'
  | 'openvino'
  | 'webgpu'
  | 'xnnpack'
  | 'dml'
  | 'coreml'
  | 'migraphx';
export type AcceleratorDevice = 'cpu' | 'gpu';

/** What a provider's options may depend on beside what a config says of them. */
export interface SessionContext {
  /** The model's `intra_op_thread_count`, where it is given. */
  readonly intraOpThreads: number | undefined;
}

export interface ProviderRow {
  readonly name: ProviderName;
  /** ONNX Runtime's own name of it, in lists, logs and assignments. */
  readonly ortName: string;
  /** What `execution_accelerators` calls it for each device; the CPU's own provider needs no mention. */
  readonly acceleratorNames: Readonly<Partial<Record<AcceleratorDevice, string>>>;
  /** Where it runs. */
  readonly devices: readonly AcceleratorDevice[];
  /** What must be there beside the provider itself, for people. */
  readonly needs: string;
  /** The shared library that holds it beside libonnxruntime, without prefix and ending; none where it is built in. */
  readonly pluginLibrary?: string;
  /** Libraries that it opens only while it runs, as the start of their names. */
  readonly laterLibraries?: readonly string[];
  /** What a real Triton makes of the accelerator: the same, the name without the options, or nothing at all. */
  readonly inTriton: 'same' | 'name only' | 'refused';
  /** True when a model must be taken as a whole: a node left to the CPU refuses it. */
  readonly takesWholeModel?: boolean;
  /** True when more than one session in a process crashes it. */
  readonly isSingle?: boolean;
  /** The option that selects a device; instance groups set it. */
  readonly deviceOption?: string;
  /** Options that make it keep what it has built in a folder. */
  readonly cacheOptions?: (folder: string) => ProviderValues;
  /** By the key of an accelerator's parameters. */
  readonly options: Readonly<Record<string, ProviderOption>>;
  /** Keys of the model's own parameters that are this provider's options, by their older numbers. */
  readonly modelParameters: Readonly<Record<string, ProviderOption>>;
  /** Options that one value of another key brings with it, such as precision_mode. */
  readonly expand?: (key: string, value: string) => Readonly<Record<string, string>> | undefined;
  /** First releases with options that a value of another key brings, by ONNX Runtime's names; see `expand`. */
  readonly expandedSince?: Readonly<Record<string, string>>;
  /** The options to run with, from those that a config gives: what the library's defaults would get wrong. */
  readonly finish?: (values: ProviderValues, context: SessionContext) => ProviderValues;
  /** Adds the provider to session options before the session is created. */
  readonly append: AppendProvider;
}
