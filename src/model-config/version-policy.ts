/**
 * Versions of a model and which of them a version policy selects, as Triton does it. Versions are texts of decimal
 * digits, because they may take all of 63 bits. Pure.
 */
import type { VersionPolicyConfig } from './model-config.js';

export interface VersionChoice {
  /** In rising order. */
  readonly versions: readonly string[];
  /** Versions that the policy names and that are not there; Triton logs them and serves the others. */
  readonly missing: readonly string[];
}

const HIGHEST = '9223372036854775807';

/** A version's folder is named by a whole number without leading zeros that fits into 63 bits. */
export const isVersionName = (name: string): boolean =>
  /^(0|[1-9]\d{0,18})$/.test(name) && compareVersions(name, HIGHEST) <= 0;

/** By size; both are names of versions. */
export const compareVersions = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** `available` is in rising order. Without a policy the latest version is served. */
export function chooseVersions(policy: VersionPolicyConfig | undefined, available: readonly string[]): VersionChoice {
  if (policy?.all !== undefined) return { versions: available, missing: [] };
  if (policy?.specific !== undefined) {
    const wanted = [...new Set((policy.specific.versions ?? []).map(String))].sort(compareVersions);
    return {
      versions: wanted.filter((version) => available.includes(version)),
      missing: wanted.filter((version) => !available.includes(version)),
    };
  }
  // 0 is what an empty field means in protobuf.
  const count = policy?.latest?.num_versions || 1;
  return { versions: available.slice(-count), missing: [] };
}
