/** What a wheel's file name says (PEP 427), and whether its native libraries can be loaded on a host. */

export interface WheelName {
  /** Normalised as in PEP 503: `onnxruntime-openvino`. */
  readonly project: string;
  readonly version: string;
  readonly pythonTag: string;
  readonly platformTags: readonly string[];
}

export interface HostPlatform {
  readonly platform: string;
  readonly arch: string;
  /** Version of the C library, such as `2.36`; undefined where it is not glibc. */
  readonly glibc: string | undefined;
}

/** From `low` on and before `below`. */
export interface VersionRange {
  readonly low: string;
  readonly below: string;
}

/** PEP 503: case, dots and underscores do not tell projects apart. */
export const normalizeProject = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');

/** The parts of `name-version(-build)?-python-abi-platform.whl`, or undefined when it is not one. */
export function parseWheelName(filename: string): WheelName | undefined {
  const parts = /^(.+)\.whl$/.exec(filename)?.[1]?.split('-') ?? [];
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [project = '', version = ''] = parts;
  const [pythonTag = '', , platforms = ''] = parts.slice(-3);
  return { project: normalizeProject(project), version, pythonTag, platformTags: platforms.split('.') };
}

/** The host that this process runs on. */
export function hostPlatform(): HostPlatform {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return { platform: process.platform, arch: process.arch, glibc: report?.header?.glibcVersionRuntime };
}

const archNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const legacyGlibc: Readonly<Record<string, string>> = {
  manylinux1: '2.5',
  manylinux2010: '2.12',
  manylinux2014: '2.17',
};

/** True when one of the wheel's platform tags (PEP 600) covers the host. */
export function fitsHost({ platformTags }: WheelName, host: HostPlatform): boolean {
  const arch = archNames[host.arch] ?? host.arch;
  return platformTags.some((tag) => {
    if (host.platform !== 'linux' || host.glibc === undefined || !tag.endsWith(`_${arch}`)) return false;
    const stem = tag.slice(0, -arch.length - 1);
    if (stem === 'linux') return true;
    const needed = legacyGlibc[stem] ?? /^manylinux_(\d+_\d+)$/.exec(stem)?.[1]?.replace('_', '.');
    return needed !== undefined && compareVersions(needed, host.glibc) <= 0;
  });
}

/** True for `1.24.1`; false for release candidates, development and local builds. */
export const isFinalRelease = (version: string): boolean => /^\d+(\.\d+)*(\.post\d+)?$/.test(version);

/** Orders final releases by their numbers: negative when `a` is the older one. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => version.split('.').map((part) => Number(part.replace(/\D/g, '')));
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const isWithin = (version: string, { low, below }: VersionRange): boolean =>
  compareVersions(version, low) >= 0 && compareVersions(version, below) < 0;
