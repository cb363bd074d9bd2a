/** Which of the versions that are there get served. Pure. */
import type { VersionPolicyConfig } from '../../src/model-config/model-config.js';

export interface VersionChoice {
  /** In rising order. */
  readonly versions: readonly number[];
  /** Versions that the policy names and that are not there. */
  readonly missing: readonly number[];
}

/** `available` is in rising order. Without a policy the latest version is served. */
export function chooseVersions(policy: VersionPolicyConfig | undefined, available: readonly number[]): VersionChoice {
  if (policy?.all !== undefined) return { versions: available, missing: [] };
  if (policy?.specific !== undefined) {
    const wanted = [...new Set(policy.specific.versions ?? [])].sort((a, b) => a - b);
    return {
      versions: wanted.filter((version) => available.includes(version)),
      missing: wanted.filter((version) => !available.includes(version)),
    };
  }
  // 0 is what an empty field means in protobuf.
  const count = policy?.latest?.num_versions || 1;
  return { versions: available.slice(-count), missing: [] };
}
