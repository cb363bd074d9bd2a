import { expect, it } from 'vitest';
import { compareVersions, fitsHost, isFinalRelease, isWithin, parseWheelName } from '../../src/runtime/wheel-name.js';

const host = { platform: 'linux', arch: 'x64', glibc: '2.31' };
const fits = (filename: string, on = host): boolean => fitsHost(parseWheelName(filename)!, on);

it('a wheel’s name tells project, version and platforms', () => {
  expect(
    parseWheelName('onnxruntime_GPU-1.26.0-1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl'),
  ).toEqual({
    project: 'onnxruntime-gpu',
    version: '1.26.0',
    pythonTag: 'cp312',
    platformTags: ['manylinux_2_27_x86_64', 'manylinux_2_28_x86_64'],
  });
  expect(parseWheelName('onnxruntime-1.0.tar.gz')).toBeUndefined();
  expect(parseWheelName('two-parts.whl')).toBeUndefined();
});

it('a wheel fits the host’s processor and a C library that is new enough', () => {
  expect(fits('a-1-cp312-cp312-manylinux_2_28_x86_64.whl')).toBe(true);
  expect(fits('a-1-py3-none-manylinux2014_x86_64.whl')).toBe(true);
  expect(fits('a-1-cp312-cp312-manylinux_2_34_x86_64.whl')).toBe(false);
  expect(fits('a-1-cp312-cp312-manylinux_2_28_aarch64.whl')).toBe(false);
  expect(fits('a-1-cp312-cp312-win_amd64.whl')).toBe(false);
  expect(fits('a-1-cp312-cp312-manylinux_2_28_aarch64.whl', { ...host, arch: 'arm64' })).toBe(true);
});

it('versions are ordered by their numbers', () => {
  expect(['1.9.0', '1.24.1', '1.24', '1.10.2'].sort(compareVersions)).toEqual(['1.9.0', '1.10.2', '1.24', '1.24.1']);
  expect(isWithin('1.26.9', { low: '1.20', below: '1.27' })).toBe(true);
  expect(isWithin('1.27.0', { low: '1.20', below: '1.27' })).toBe(false);
  expect(isFinalRelease('1.27.0rc1')).toBe(false);
});
