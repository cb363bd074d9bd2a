import { describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../engine/options.js';
import { refusedFlags } from '../../engine/refused-flags.js';
import { commandEntries } from '../../src/cli/commands.js';
import { parseCommandLine } from '../../src/cli/parse-command-line.js';

describe('the flags of tritonserver', () => {
  it('are options or refused with a reason, never both', () => {
    const flags = Object.values(engineOptionRows).flatMap(({ flag, aliases }) => [flag, ...aliases]);
    expect(flags.filter((flag) => Object.hasOwn(refusedFlags, flag))).toEqual([]);
  });

  it('that mean nothing here are refused together, each with its reason; unknown ones with the closest one', async () => {
    const serve = await commandEntries.serve!.load();
    const words = ['--rate-limit=execution_count', '--trace-rate', '5', '--metrics-prt=1', '--http-thread-count=4'];
    await expect(parseCommandLine('serve', serve, words, 100)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [
        { where: '--rate-limit', what: expect.stringContaining('no rate limiter') },
        { where: '--trace-rate', what: expect.stringContaining('not traced') },
        { where: '--metrics-prt', hint: 'did you mean --metrics-port?' },
        { where: '--http-thread-count', what: expect.stringContaining('one thread') },
      ],
    });
  });

  it.each([
    '--rate-limit=off',
    '--model-namespacing=false',
    '--http-thread-count=8',
    '--grpc-infer-thread-count=2',
    '--grpc-infer-allocation-pool-size=8',
    '--buffer-manager-thread-count=0',
    '--reuse-http-port=0',
    '--reuse-grpc-port=false',
    '--http-header-forward-pattern=',
    '--grpc-restricted-protocol=',
    '--allow-sagemaker=false',
    '--sagemaker-port=8080',
    '--allow-vertex-ai=off',
    '--vertex-ai-port=8080',
    '--trace-level=OFF',
    '--trace-config=level=OFF',
    '--trace-rate=1000',
    '--trace-count=-1',
    '--response-cache-byte-size=0',
    '--cache-config=local,size=0',
    '--cache-directory=/opt/tritonserver/caches',
    '--backend-directory=/opt/tritonserver/backends',
    '--repoagent-directory=/opt/tritonserver/repoagents',
    '--model-load-gpu-limit=0:1.0',
    '--enable-peer-access=true',
    '--min-supported-compute-capability=6.0',
    '--cuda-virtual-address-size=0:1073741824',
  ])('that ask for nothing at their value are taken with a remark: %s', async (word) => {
    const serve = await commandEntries.serve!.load();
    const parsed = await parseCommandLine('serve', serve, [word], 100);
    expect(parsed).toMatchObject({ state: 'run', remarks: [expect.stringContaining('has no effect')] });
  });

  it.each([
    '--rate-limit=execution_count',
    '--model-namespacing=true',
    '--model-namespacing',
    '--allow-sagemaker',
    '--trace-level=TIMESTAMPS',
    '--cache-config=local,size=1048576',
    '--backend-directory=/mine',
    '--reuse-grpc-port=1',
    '--min-supported-compute-capability=8.0',
    '--http-restricted-api=health:key=value',
  ])('that ask for something are refused with the reason: %s', async (word) => {
    const serve = await commandEntries.serve!.load();
    await expect(parseCommandLine('serve', serve, [word], 100)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('do not say that models run on the CPU only, because they do not', () => {
    const reasons = Object.values(refusedFlags).map(({ reason }) => reason);
    expect(reasons.filter((reason) => /CPU only/.test(reason))).toEqual([]);
  });
});
