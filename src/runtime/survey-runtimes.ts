/** Everything known of every build of ONNX Runtime here: what it is, what is compiled in, what has been proven, and why not. */
import pLimit from 'p-limit';
import { messageOf } from '../common/errors.js';
import { tidyReason } from '../onnxruntime/provider-log.js';
import { type ProviderName, providerTable } from '../onnxruntime/provider-table.js';
import { misfitOf } from './cuda-fit.js';
import { describeDriver, describeLibrary, proveProvider } from './probe.js';
import type { DriverFacts } from './probe-messages.js';
import { remedyFor } from './provider-remedy.js';
import { BUNDLED, bundledRuntime, familyOf } from './resolve-runtime.js';
import { type Runtime, readInstalled } from './runtime-store.js';

export interface ProviderFinding {
  readonly name: string;
  /** `unknown` has no row in perf-ts, so no model config can name it. */
  readonly state: 'proven' | 'unusable' | 'unknown';
  readonly devices: readonly string[];
  /** Why it cannot be used. */
  readonly reason?: string;
  /** What would change that: a command, or a sentence. */
  readonly remedy?: string;
}

export interface RuntimeFinding {
  readonly name: string;
  readonly source: 'bundled' | 'installed' | 'named';
  readonly libraryPath: string;
  readonly folder: string;
  readonly state: 'usable' | 'unusable';
  readonly version: string | null;
  readonly apiVersion: number | null;
  /** Compiled in. */
  readonly providers: readonly ProviderFinding[];
  readonly origin?: string;
  readonly sizeBytes?: number;
  readonly reason?: string;
  readonly remedy?: string;
}

export interface Survey {
  readonly runtimes: readonly RuntimeFinding[];
  readonly driver: DriverFacts;
}

/** Children that try libraries at the same time; each is a process of its own. */
const PROBES_AT_ONCE = 2;

export interface SurveyOptions {
  /** A library that the user names. */
  readonly ortLibrary?: string | undefined;
  readonly signal?: AbortSignal;
}

export async function surveyRuntimes({ ortLibrary, signal }: SurveyOptions = {}): Promise<Survey> {
  const limit = pLimit(PROBES_AT_ONCE);
  const driver = await describeDriver(signal);
  const { runtimes: installed, damaged } = readInstalled();
  const wrecks = damaged.map(
    ({ name, folder, reason }): RuntimeFinding => ({
      ...emptyFinding(name, 'installed', folder, folder),
      reason,
      remedy: `perf-ts runtime remove ${name} && perf-ts runtime install ${familyOf(name)}`,
    }),
  );
  const survey = (runtime: Runtime, source: RuntimeFinding['source']): Promise<RuntimeFinding> =>
    surveyOne(runtime, { source, driver, limit, signal });
  const found = await Promise.all([
    surveyBundled(survey),
    ...installed.map(async (runtime) => {
      const { origin, sizeBytes } = runtime;
      return { ...(await survey(runtime, 'installed')), origin, sizeBytes };
    }),
    ...(ortLibrary === undefined ? [] : [survey(namedRuntime(ortLibrary), 'named')]),
  ]);
  return { runtimes: [...found, ...wrecks], driver };
}

async function surveyBundled(
  survey: (runtime: Runtime, source: 'bundled') => Promise<RuntimeFinding>,
): Promise<RuntimeFinding> {
  try {
    return await survey(bundledRuntime(), 'bundled');
  } catch (thrown) {
    return { ...emptyFinding(BUNDLED, 'bundled', '', ''), reason: messageOf(thrown), remedy: 'npm ci' };
  }
}

const namedRuntime = (libraryPath: string): Runtime => ({
  name: libraryPath,
  libraryPath,
  folder: libraryPath,
  version: undefined,
  apiVersion: undefined,
  providers: undefined,
});

const emptyFinding = (name: string, source: RuntimeFinding['source'], libraryPath: string, folder: string) =>
  ({ name, source, libraryPath, folder, state: 'unusable', version: null, apiVersion: null, providers: [] }) as const;

interface SurveyContext {
  readonly source: RuntimeFinding['source'];
  readonly driver: DriverFacts;
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal | undefined;
}

async function surveyOne(runtime: Runtime, context: SurveyContext): Promise<RuntimeFinding> {
  const { limit, signal, source } = context;
  const { name, libraryPath, folder } = runtime;
  const facts = await limit(() => describeLibrary(libraryPath, signal));
  if (facts.state === 'failed') {
    const remedy =
      source === 'installed'
        ? `perf-ts runtime remove ${name} && perf-ts runtime install ${familyOf(name)}`
        : source === 'bundled'
          ? 'npm ci'
          : 'name another library with --ort-library';
    return { ...emptyFinding(name, source, libraryPath, folder), reason: facts.reason, remedy };
  }
  const { version, apiVersion, providers } = facts.value;
  const findings = await Promise.all(providers.map((provider) => surveyProvider(provider, runtime, context)));
  const order = (finding: ProviderFinding): number => ['proven', 'unusable', 'unknown'].indexOf(finding.state);
  findings.sort((a, b) => order(a) - order(b));
  return { name, source, libraryPath, folder, state: 'usable', version, apiVersion, providers: findings };
}

async function surveyProvider(name: string, runtime: Runtime, context: SurveyContext): Promise<ProviderFinding> {
  const row = providerTable.find((candidate) => candidate.name === name);
  if (row === undefined) {
    return { name, state: 'unknown', devices: [], reason: 'perf-ts has no row for this provider' };
  }
  const outcome = await context.limit(() =>
    proveProvider(runtime.libraryPath, row.name as ProviderName, context.signal),
  );
  if (outcome.state === 'ok') return { name, state: 'proven', devices: row.devices };
  const reason = plainReason(outcome.reason);
  return { name, state: 'unusable', devices: row.devices, ...explain(row.name, reason, runtime, context) };
}

/** ONNX Runtime says where in its source it is, and paths twice. */
export const plainReason = (reason: string): string =>
  tidyReason(
    reason
      .replace(/^the execution provider \w+ cannot be used: /, '')
      .replaceAll(/\/\S+\.(?:cc|h):\d+ .*?(?:was false\. )/g, '')
      .replaceAll(/(\/\S+) with error: \1: /g, '$1: '),
  );

/** Without a driver, or with one too old, there is no point in more libraries, so that comes first. */
function explain(name: ProviderName, reason: string, runtime: Runtime, { driver }: SurveyContext) {
  const needsDriver = name === 'cuda' || name === 'tensorrt';
  const misfit = needsDriver ? misfitOf(driver, runtime.libraryPath) : undefined;
  const full = [...(needsDriver ? [driver.problem, misfit] : []), reason]
    .filter((part) => part !== undefined)
    .join(' | ');
  const remedy = remedyFor(name, full, runtime.name);
  return { reason: full, ...(remedy === undefined ? {} : { remedy }) };
}
