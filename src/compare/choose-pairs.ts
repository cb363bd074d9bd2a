/** Which builds and providers are compared: a pure choice from what was proven and what the user asked for. */
import { closestWord } from '../common/closest-word.js';
import { PerfTsError, type Problem } from '../common/errors.js';
import { providerTable } from '../onnxruntime/provider-table.js';
import { BUNDLED } from '../runtime/resolve-runtime.js';
import type { RuntimeFinding } from '../runtime/survey-runtimes.js';
import type { RuntimePair } from './runtime-comparison.js';

const CPU = 'cpu';

/** A pair with the library that serves it, or with the reason why it cannot be. */
export type ChosenPair = RuntimePair &
  ({ readonly libraryPath: string; readonly refusal?: never } | { readonly refusal: string });

/** What ratios speak of, so it is measured whatever else was asked for. */
export const isReference = ({ runtime, provider }: RuntimePair): boolean => runtime === BUNDLED && provider === CPU;

/** Empty lists leave everything in. */
export interface PairRestriction {
  /** Names in full. */
  readonly runtimes: readonly string[];
  readonly providers: readonly string[];
}

/**
 * The reference first, then every other proven pair within the restriction, in the order of the survey. A provider that
 * was asked for by name and cannot be used comes with its reason; one that nobody asked for is left out.
 */
export function choosePairs(found: readonly RuntimeFinding[], { runtimes, providers }: PairRestriction): ChosenPair[] {
  const isNamed = providers.length > 0;
  const pairs = found
    .filter(({ name }) => runtimes.length === 0 || runtimes.includes(name))
    .flatMap((runtime): ChosenPair[] => {
      const chosen = runtime.providers.filter(({ name }) => !isNamed || providers.includes(name));
      const unusable = runtime.state === 'unusable' && runtimes.includes(runtime.name);
      if (unusable) return [{ runtime: runtime.name, provider: CPU, refusal: runtime.reason ?? 'cannot be loaded' }];
      return chosen
        .filter(({ state }) => state === 'proven' || isNamed)
        .map((provider) => ({
          runtime: runtime.name,
          provider: provider.name,
          ...(provider.state === 'proven'
            ? { libraryPath: runtime.libraryPath }
            : { refusal: provider.reason ?? 'was not proven here' }),
        }));
    });
  return [referenceOf(found), ...pairs.filter((pair) => !isReference(pair)), ...absent(pairs, providers)];
}

function referenceOf(found: readonly RuntimeFinding[]): ChosenPair {
  const bundled = found.find(({ name }) => name === BUNDLED);
  const pair = { runtime: BUNDLED, provider: CPU };
  return bundled === undefined || bundled.state === 'unusable'
    ? { ...pair, refusal: bundled?.reason ?? 'perf-ts comes without a runtime on this platform' }
    : { ...pair, libraryPath: bundled.libraryPath };
}

/** A provider that no build has is said too, once. */
const absent = (pairs: readonly ChosenPair[], providers: readonly string[]): ChosenPair[] =>
  providers
    .filter((name) => name !== CPU && !pairs.some(({ provider }) => provider === name))
    .map((provider) => ({ runtime: '–', provider, refusal: `none of these builds was compiled with ${provider}` }));

/** Throws PerfTsError BAD_OPTION with every name that is no execution provider. */
export function checkProviderNames(names: readonly string[]): void {
  const known: readonly string[] = providerTable.map(({ name }) => name);
  const problems: Problem[] = names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = closestWord(name, known);
      const hint = near === undefined ? `they are ${known.join(', ')}` : `did you mean '${near}'?`;
      return { where: `--provider ${name}`, what: 'is not an execution provider', hint };
    });
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
}
