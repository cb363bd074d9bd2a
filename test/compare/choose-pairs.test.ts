import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { checkProviderNames, choosePairs } from '../../src/compare/choose-pairs.js';
import type { ProviderFinding, RuntimeFinding } from '../../src/runtime/survey-runtimes.js';

const proven = (name: string): ProviderFinding => ({ name, state: 'proven', devices: ['cpu'] });
const unusable = (name: string, reason: string): ProviderFinding => ({ name, state: 'unusable', devices: [], reason });

function build(name: string, providers: readonly ProviderFinding[]): RuntimeFinding {
  const source = name === 'bundled' ? 'bundled' : 'installed';
  const libraryPath = `/lib/${name}.so`;
  return { name, source, libraryPath, folder: '/lib', state: 'usable', version: '1', apiVersion: 24, providers };
}

const found = [
  build('bundled', [proven('cpu'), unusable('cuda', 'no driver')]),
  build('openvino-1.24.1', [proven('openvino'), proven('cpu')]),
];
const names = (restriction: Partial<Parameters<typeof choosePairs>[1]>) =>
  choosePairs(found, { runtimes: [], providers: [], ...restriction }).map(
    ({ runtime, provider, refusal }) => `${runtime} ${provider}${refusal === undefined ? '' : `: ${refusal}`}`,
  );

describe('the pairs of a comparison', () => {
  it('are all that were proven, the bundled CPU provider first, and nothing that was not asked for', () => {
    expect(names({})).toEqual(['bundled cpu', 'openvino-1.24.1 openvino', 'openvino-1.24.1 cpu']);
  });

  it('keep the reference under any restriction', () => {
    expect(names({ runtimes: ['openvino-1.24.1'], providers: ['openvino'] })).toEqual([
      'bundled cpu',
      'openvino-1.24.1 openvino',
    ]);
  });

  it('say why a provider that was named cannot be used, also when no build has it', () => {
    expect(names({ providers: ['cuda', 'xnnpack'] })).toEqual([
      'bundled cpu',
      'bundled cuda: no driver',
      '– xnnpack: none of these builds was compiled with xnnpack',
    ]);
  });

  it('refuse a word that is no provider with the nearest that is', () => {
    const check = (): void => checkProviderNames(['openvin', 'cpu']);
    expect(check).toThrow(PerfTsError);
    expect(check).toThrow(/openvin/);
  });
});
