/** What the values of knobs depend on, found out on this host: cores, memory, proven providers, installed runtimes. */
import { rm } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { appendAll } from '../../common/append-all.js';
import { messageOf, PerfTsError, type Problem } from '../../common/errors.js';
import { makeTemporaryFolder } from '../../common/temporary-folder.js';
import { convertFolder } from '../../onnx/convert/convert-folder.js';
import { type ProviderName, providerTable } from '../../onnxruntime/provider-table.js';
import { describeLibrary, proveProvider } from '../../runtime/probe.js';
import { BUNDLED, bundledRuntime, resolveRuntime } from '../../runtime/resolve-runtime.js';
import type { KnobValue } from '../strategies/strategy.js';
import type { KnobSelection } from '../variants/search-space.js';
import type { StudyModel } from '../variants/variants.js';
import type { KnobContext } from './knob.js';
import { knobs } from './knobs.js';
import { executionProvider } from './provider-knobs.js';

export interface HostQuestion {
  readonly model: StudyModel;
  /** Undefined tunes every major knob. */
  readonly selection: KnobSelection | undefined;
  /** The build of ONNX Runtime of variants that choose none; the one that comes with perf-ts when left out. */
  readonly ortLibrary?: string | undefined;
  /** Names of other builds of ONNX Runtime to try. */
  readonly runtimes: readonly string[];
  readonly signal: AbortSignal;
}

/** Providers are proven in child processes, and only where the study could choose one. Throws for unknown runtimes. */
export async function describeKnobContext(question: HostQuestion): Promise<KnobContext> {
  const runtimes = findRuntimes(question.runtimes);
  const libraries = { [BUNDLED]: question.ortLibrary ?? bundledRuntime().libraryPath, ...runtimes };
  const runtimeProviders: Record<string, readonly ProviderName[]> = {};
  for (const [name, libraryPath] of Object.entries(libraries)) {
    const isAsked = asksForProvider(question.selection);
    runtimeProviders[name] = isAsked ? await findProviders(libraryPath, question.signal) : [];
  }
  const providers = [...new Set(Object.values(runtimeProviders).flat())];
  return {
    config: question.model.completed,
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    providers,
    canConvert: question.selection?.precision !== undefined && (await canConvert(question.model)),
    gpuCount: providers.some((name) => name === 'cuda' || name === 'tensorrt') ? 1 : 0,
    runtimes,
    ...(question.runtimes.length > 0 && { runtimeProviders }),
  };
}

function asksForProvider(selection: KnobSelection | undefined): boolean {
  if (selection === undefined) return true;
  return knobs.some(({ name, place }) => place === 'accelerator' && selection[name] !== undefined);
}

/** Those of a build which ran a small model and gave the right answer. */
async function findProviders(libraryPath: string, signal: AbortSignal): Promise<ProviderName[]> {
  const described = await describeLibrary(libraryPath, signal);
  if (described.state === 'failed') return [];
  const proven: ProviderName[] = [];
  const { providers } = described.value;
  for (const { name } of providerTable.filter((row) => row.name !== 'cpu' && providers.includes(row.name))) {
    const outcome = await proveProvider(libraryPath, name, signal);
    if (outcome.state === 'ok') proven.push(name);
  }
  return proven;
}

/** Tried once, in a folder that goes away: what a converter cannot do is known only by doing it. */
export async function canConvert({ folder, name }: StudyModel): Promise<boolean> {
  const draft = await makeTemporaryFolder('perf-ts-convert-');
  try {
    await convertFolder({ source: folder, toRepository: draft, name });
    return true;
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return false;
    throw thrown;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function findRuntimes(names: readonly string[]): Record<string, string> {
  const problems: Problem[] = [];
  const found: [string, string][] = [];
  for (const name of names.filter((candidate) => candidate !== BUNDLED)) {
    try {
      found.push([name, resolveRuntime(name).libraryPath]);
    } catch (thrown) {
      if (thrown instanceof PerfTsError) appendAll(problems, thrown.problems);
      else problems.push({ where: `runtimes: ${name}`, what: messageOf(thrown) });
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return Object.fromEntries(found);
}

export interface UsableSelection {
  readonly selection: KnobSelection | undefined;
  /** What is left out because this host cannot do it, with why, as sentences. */
  readonly leftOut: readonly string[];
}

/** A selection without what this host cannot do: a sweep file for GPUs still tunes the rest on a host without one. */
export function selectUsable(context: KnobContext, selection: KnobSelection | undefined): UsableSelection {
  if (selection === undefined) return { selection, leftOut: [] };
  const leftOut: string[] = [];
  const kept = Object.entries(selection).flatMap(([name, values]): [string, KnobSelection[string]][] => {
    const knob = knobs.find((row) => row.name === name);
    const reason = knob?.unusable?.(context);
    if (reason !== undefined) {
      leftOut.push(`${name} is not tuned: ${reason}`);
      return [];
    }
    if (name !== 'execution_provider' || values === 'auto') return [[name, values]];
    const usable = values.filter((value) => {
      const fault = findProviderProblem(value, context);
      if (fault !== undefined) leftOut.push(`execution_provider ${String(value)} is not tried: ${fault}`);
      return fault === undefined;
    });
    return usable.length === 0 ? [] : [[name, usable]];
  });
  return { selection: Object.fromEntries(kept), leftOut };
}

/** Only of providers that exist: an unknown name is a fault of the file. */
function findProviderProblem(value: KnobValue, context: KnobContext): string | undefined {
  const isKnown = providerTable.some(({ name }) => name === value);
  return isKnown ? executionProvider.refuse(value, context) : undefined;
}
