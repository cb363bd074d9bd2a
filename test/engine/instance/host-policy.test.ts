import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allowedCores } from '../../../engine/instance/cpu-affinity.js';
import { parseCores, parseHostPolicy, resolveHostPolicies } from '../../../engine/instance/host-policy.js';
import { planInstances } from '../../../engine/instance/instance-plan.js';
import { addSubConfig, loadTestModel, outputsOf } from '../../support/load-test-model.js';
import { floats } from '../../support/model-files.js';

const host = {
  allowed: [0, 1, 2, 3],
  ofNode(node: number): readonly number[] {
    if (node > 1) throw new Error(`this host has no NUMA node ${node}`);
    return node === 0 ? [0, 1] : [2, 3, 4, 5];
  },
};
const resolve = (...texts: readonly string[]) => resolveHostPolicies(texts.map(parseHostPolicy), host);

describe('host policies', () => {
  it('take cores as ranges and lists', () => {
    expect(parseCores('0-3')).toEqual([0, 1, 2, 3]);
    expect(parseCores('5,1-2,2')).toEqual([1, 2, 5]);
    for (const text of ['', '3-1', 'a', '0-', '1024']) expect(() => parseCores(text)).toThrow('cpu-cores');
  });

  it('are read as NAME,SETTING=VALUE, and settings that are not known refused with the closest', () => {
    expect(parseHostPolicy('gold,cpu-cores=0-1')).toEqual({ policy: 'gold', setting: 'cpu-cores', value: '0-1' });
    expect(() => parseHostPolicy('gold,cpu-core=0')).toThrow("did you mean 'cpu-cores'?");
    expect(() => parseHostPolicy('gold')).toThrow('NAME,cpu-cores=CORES');
    expect(() => parseHostPolicy('gold,numa-node=x')).toThrow('numa-node');
  });

  it('bind to cores, to a NUMA node as far as this process may use it, or to what both have', () => {
    const policies = resolve('a,cpu-cores=1-2', 'b,numa-node=1', 'c,numa-node=1', 'c,cpu-cores=3');
    expect([...policies].map(([name, { cpuCores }]) => [name, cpuCores])).toEqual([
      ['a', [1, 2]],
      ['b', [2, 3]],
      ['c', [3]],
    ]);
  });

  it('that this host cannot follow are refused together', () => {
    const failing = () => resolve('a,cpu-cores=3-4', 'b,numa-node=7', 'c,numa-node=0', 'c,cpu-cores=2');
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        problems: [
          expect.objectContaining({ what: 'names the cores 4, but this process may use only 0, 1, 2, 3' }),
          expect.objectContaining({ what: 'this host has no NUMA node 7' }),
          expect.objectContaining({ what: expect.stringContaining("leaves policy 'c' without a core") }),
        ],
      }),
    );
    expect(() => resolveHostPolicies([parseHostPolicy('a,cpu-cores=0')], { ...host, allowed: undefined })).toThrow(
      'on Linux only',
    );
  });
});

describe('the instances that a config asks for', () => {
  const policies = resolve('cpu,cpu-cores=0', 'fast,cpu-cores=2-3');

  it('are named after their group, and groups after model and number', () => {
    const config = {
      name: 'm',
      instance_group: [{ count: 2 }, { name: 'extra', count: 1 }, { name: 'm_2', count: 1 }],
    };
    expect(planInstances(config).map(({ name }) => name)).toEqual(['m_0_0', 'm_0_1', 'extra_0', 'm_2_0']);
    expect(planInstances({ name: 'm' })).toEqual([{ name: 'm_0' }]);
  });

  it('run on the cores of the policy that their group names, or of the one for their kind', () => {
    const groups = [{ kind: 'KIND_CPU' }, { host_policy: 'fast' }, { kind: 'KIND_MODEL' }] as const;
    const plans = planInstances({ name: 'm', instance_group: groups }, policies);
    expect(plans.map(({ cpuCores }) => cpuCores)).toEqual([[0], [2, 3], undefined]);
  });

  it('are no more than 256 in all groups together', async () => {
    const config = { ...addSubConfig, instance_group: [{ count: 200 }, { count: 57 }] };
    await expect(loadTestModel('add_sub', config)).rejects.toMatchObject({
      problems: [{ where: expect.stringContaining('instance_group'), what: expect.stringContaining('257') }],
    });
  });

  it('run unbound when their group names a policy that the engine was not started with, which is said', async () => {
    const config = { ...addSubConfig, instance_group: [{ host_policy: 'gold' }] };
    const model = await loadTestModel('add_sub', config);
    await model.close();
    expect(model.notes).toEqual([
      expect.stringMatching(/^instance_group\[0\]\.host_policy: has no effect.*--host-policy=gold,cpu-cores/),
    ]);
  });
});

/** Threads of this process that may run on `core` alone. */
const boundThreads = (core: number): number =>
  readdirSync('/proc/self/task').filter((task) =>
    readFileSync(`/proc/self/task/${task}/status`, 'utf8').includes(`Cpus_allowed_list:\t${core}\n`),
  ).length;

const cores = allowedCores() ?? [];

// A process that has one core only is bound to it anyway.
describe.skipIf(cores.length < 2)('an instance under a host policy', () => {
  it('binds its threads, those of ONNX Runtime too, and leaves all others alone', async () => {
    const core = cores.at(-1)!;
    const hostPolicies = new Map([['cpu', { cpuCores: [core] }]]);
    const parameters = { intra_op_thread_count: { string_value: '3' } };
    expect(boundThreads(core)).toBe(0);
    const model = await loadTestModel('add_sub', { ...addSubConfig, parameters }, { hostPolicies });
    expect(boundThreads(core)).toBe(3);
    const inputs = ['INPUT0', 'INPUT1'].map((name) => floats(name, [1, 4], [1, 2, 3, 4]));
    await outputsOf(model, inputs);
    await model.close();
    expect(boundThreads(core)).toBe(0);
  });
});
