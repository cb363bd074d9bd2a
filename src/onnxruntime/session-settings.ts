/**
 * Everything that can be set for a session, as plain data that passes between threads, and how it is handed to ONNX
 * Runtime. What a setting is left out of is ONNX Runtime's own default.
 */
import type { Pointer } from './api-functions.js';
import { recordAssignment } from './graph-assignment.js';
import type { OrtLibrary } from './library.js';
import { checkStatus, OrtError } from './ort-error.js';
import type { ProviderValues } from './provider-append.js';
import { type ProviderName, providerRow } from './provider-table.js';

export type GraphLevel = 'disabled' | 'basic' | 'extended' | 'all';
export type ExecutionMode = 'sequential' | 'parallel';

export interface ProviderSettings {
  readonly name: ProviderName;
  /** Options by ONNX Runtime's names, in the texts that it takes. */
  readonly options: ProviderValues;
}

export interface SessionSettings {
  /** Threads that share one operator's work; ONNX Runtime takes one per core when left out. */
  readonly intraOpThreads?: number;
  /** Threads that run independent operators; used in parallel mode only. */
  readonly interOpThreads?: number;
  readonly graphLevel?: GraphLevel;
  readonly executionMode?: ExecutionMode;
  readonly cpuArena?: boolean;
  readonly memoryPattern?: boolean;
  /** Keys of ONNX Runtime's session configuration. It accepts unknown ones silently, so check them before. */
  readonly configEntries?: Readonly<Record<string, string>>;
  /** Keys set for each run. */
  readonly runConfigEntries?: Readonly<Record<string, string>>;
  /** Execution providers before the CPU's own, in order of preference. */
  readonly providers?: readonly ProviderSettings[];
  /** Writes everything that ONNX Runtime has to say about the session to stderr. */
  readonly isVerbose?: boolean;
  /** Where the model is written as the optimizer leaves it, for this library and processor only. */
  readonly optimizedModelFile?: string;
  /** Makes `OrtSession.assignment` known. */
  readonly recordsAssignment?: boolean;
}

/** A provider that could not be added to session options. */
export class ProviderRefusal extends OrtError {
  readonly provider: ProviderName;
  /** In ONNX Runtime's words, which may say little: then its log says more. */
  readonly reason: string;

  constructor(provider: ProviderName, { message, code }: OrtError) {
    super(`the execution provider ${provider} cannot be used: ${message}`, code);
    this.provider = provider;
    this.reason = message;
  }
}

const graphLevelNumbers: Readonly<Record<GraphLevel, number>> = { disabled: 0, basic: 1, extended: 2, all: 99 };
const executionModeNumbers: Readonly<Record<ExecutionMode, number>> = { sequential: 0, parallel: 1 };
/** Only what ends the process is logged: failures come back as a status and are told by whoever asked. */
const SEVERITY_FATAL = 4;
const SEVERITY_VERBOSE = 0;

/**
 * Makes OrtSessionOptions; the caller releases them.
 * @throws OrtError when ONNX Runtime refuses a value.
 */
export function createSessionOptions(library: OrtLibrary, settings: SessionSettings): Pointer {
  const { api } = library;
  const place = new BigUint64Array(1);
  checkStatus(api, api.CreateSessionOptions(place));
  const options = place[0]!;
  try {
    applySettings(library, options, settings);
  } catch (error) {
    api.ReleaseSessionOptions(options);
    throw error;
  }
  return options;
}

function applySettings(library: OrtLibrary, options: Pointer, settings: SessionSettings): void {
  const { api } = library;
  const { intraOpThreads, interOpThreads, graphLevel, executionMode, cpuArena, memoryPattern } = settings;
  const check = (status: Pointer | null): void => checkStatus(api, status);
  check(api.SetSessionLogSeverityLevel(options, settings.isVerbose === true ? SEVERITY_VERBOSE : SEVERITY_FATAL));
  if (intraOpThreads !== undefined) check(api.SetIntraOpNumThreads(options, intraOpThreads));
  if (interOpThreads !== undefined) check(api.SetInterOpNumThreads(options, interOpThreads));
  if (graphLevel !== undefined) check(api.SetSessionGraphOptimizationLevel(options, graphLevelNumbers[graphLevel]));
  if (settings.optimizedModelFile !== undefined) {
    check(api.SetOptimizedModelFilePath(options, settings.optimizedModelFile));
  }
  if (executionMode !== undefined) check(api.SetSessionExecutionMode(options, executionModeNumbers[executionMode]));
  if (cpuArena !== undefined) check(cpuArena ? api.EnableCpuMemArena(options) : api.DisableCpuMemArena(options));
  if (memoryPattern !== undefined)
    check(memoryPattern ? api.EnableMemPattern(options) : api.DisableMemPattern(options));
  const entries = { ...settings.configEntries, ...(settings.recordsAssignment === true ? recordAssignment : {}) };
  for (const [key, value] of Object.entries(entries)) {
    check(api.AddSessionConfigEntry(options, key, value));
  }
  for (const { name, options: values } of settings.providers ?? []) {
    try {
      providerRow(name).append(library, options, values);
    } catch (thrown) {
      if (!(thrown instanceof OrtError)) throw thrown;
      throw new ProviderRefusal(name, thrown);
    }
  }
}

/** OrtRunOptions with the entries of `settings`, or null when there are none; the caller releases them. */
export function createRunOptions(library: OrtLibrary, settings: SessionSettings): Pointer | null {
  const entries = Object.entries(settings.runConfigEntries ?? {});
  if (entries.length === 0) return null;
  const { api } = library;
  const place = new BigUint64Array(1);
  checkStatus(api, api.CreateRunOptions(place));
  const options = place[0]!;
  for (const [key, value] of entries) checkStatus(api, api.AddRunConfigEntry(options, key, value));
  return options;
}
