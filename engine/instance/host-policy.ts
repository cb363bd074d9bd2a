/**
 * Host policies: --host-policy=NAME,SETTING=VALUE, given once for each setting. An instance group falls under the policy
 * it names, or under `cpu`; its instances then run on the policy's cores. Settings are tritonserver's.
 */
import { readFileSync } from 'node:fs';
import { closestWord } from '../../src/common/closest-word.js';
import { messageOf, PerfTsError, type Problem } from '../../src/common/errors.js';
import { allowedCores } from './cpu-affinity.js';

export interface HostPolicySetting {
  readonly policy: string;
  readonly setting: 'cpu-cores' | 'numa-node';
  /** As given, such as `0-3`. */
  readonly value: string;
}

export interface HostPolicy {
  /** In rising order, none twice. */
  readonly cpuCores: readonly number[];
}

export type HostPolicies = ReadonlyMap<string, HostPolicy>;

const settings = ['cpu-cores', 'numa-node'] as const;
const FLAG = '--host-policy';

/** What the system says of cores; tests say it instead. */
export interface HostCores {
  /** Cores that this process may use; undefined where threads cannot be bound. */
  readonly allowed: readonly number[] | undefined;
  /** The cores of a NUMA node; throws when there is no such node. */
  readonly ofNode: (node: number) => readonly number[];
}

/** Throws Error that says what would have been right. */
export function parseHostPolicy(text: string): HostPolicySetting {
  const [, policy, name, value] = /^([^,=]+),([^=]+)=(.*)$/.exec(text) ?? [];
  if (policy === undefined || name === undefined || value === undefined) {
    throw new Error(`must be NAME,cpu-cores=CORES or NAME,numa-node=NODE, not '${text}'`);
  }
  const setting = settings.find((known) => known === name);
  if (setting === undefined) {
    const guess = closestWord(name, settings);
    throw new Error(
      `has no setting '${name}'${guess === undefined ? `, only ${settings.join(' and ')}` : `; did you mean '${guess}'?`}`,
    );
  }
  if (setting === 'cpu-cores') parseCores(value);
  else if (!/^\d{1,4}$/.test(value)) throw new Error(`numa-node must be the number of a node, not '${value}'`);
  return { policy, setting, value };
}

/** `0-3`, `2`, or several of these with commas between. */
export function parseCores(text: string): readonly number[] {
  const cores = text.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? [];
    const [low, high] = [Number(first), Number(last)];
    if (first === undefined || high < low || high > 1023) {
      throw new Error(`cpu-cores must be cores from 0 to 1023, such as 0-3 or 0,2, not '${text}'`);
    }
    return Array.from({ length: high - low + 1 }, (_, index) => low + index);
  });
  return [...new Set(cores)].sort((a, b) => a - b);
}

/**
 * The policies that the settings add up to; with both settings the cores are those that satisfy both.
 * @throws PerfTsError BAD_OPTION with every policy that this host cannot follow.
 */
export function resolveHostPolicies(
  given: readonly HostPolicySetting[],
  host: HostCores = { allowed: given.length > 0 ? allowedCores() : [], ofNode: readNodeCores },
): HostPolicies {
  const { allowed } = host;
  if (given.length > 0 && allowed === undefined) {
    throw new PerfTsError('BAD_OPTION', {
      where: FLAG,
      what: `threads can be bound to CPU cores on Linux only, and this is ${process.platform}`,
      hint: 'leave it out',
    });
  }
  const policies = new Map<string, HostPolicy>();
  const problems: Problem[] = [];
  for (const { policy, setting, value } of given) {
    try {
      // A node is taken as far as this process may use it; cores that are named must all be there.
      const cores =
        setting === 'cpu-cores'
          ? parseCores(value)
          : host.ofNode(Number(value)).filter((core) => allowed!.includes(core));
      const earlier = policies.get(policy)?.cpuCores;
      const both = earlier === undefined ? cores : cores.filter((core) => earlier.includes(core));
      requireAllowed(policy, both, allowed!);
      policies.set(policy, { cpuCores: both });
    } catch (thrown) {
      problems.push({ where: `${FLAG} ${policy},${setting}=${value}`, what: messageOf(thrown) });
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return policies;
}

function requireAllowed(policy: string, cores: readonly number[], allowed: readonly number[]): void {
  if (cores.length === 0) throw new Error(`leaves policy '${policy}' without a core that this process may use`);
  const missing = cores.filter((core) => !allowed.includes(core));
  if (missing.length === 0) return;
  throw new Error(`names the cores ${missing.join(', ')}, but this process may use only ${allowed.join(', ')}`);
}

function readNodeCores(node: number): readonly number[] {
  try {
    return parseCores(readFileSync(`/sys/devices/system/node/node${node}/cpulist`, 'utf8').trim());
  } catch (cause) {
    throw new Error(`this host has no NUMA node ${node}`, { cause });
  }
}
