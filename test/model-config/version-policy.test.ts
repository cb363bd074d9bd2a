import { describe, expect, it } from 'vitest';
import { formatModelConfig } from '../../src/model-config/format-config.js';
import { modelConfigFromJson } from '../../src/model-config/json-form.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { chooseVersions, compareVersions, isVersionName } from '../../src/model-config/version-policy.js';

const huge = '9007199254740993';

describe('a version policy', () => {
  it.each([
    ['no policy', undefined, ['3'], []],
    ['latest', { latest: {} }, ['3'], []],
    ['latest 2', { latest: { num_versions: 2 } }, ['2', '3'], []],
    ['latest 9', { latest: { num_versions: 9 } }, ['0', '2', '3'], []],
    ['all', { all: {} }, ['0', '2', '3'], []],
    ['specific', { specific: { versions: [3, 0, 3] } }, ['0', '3'], []],
    ['specific with missing ones', { specific: { versions: [2, 7, -1] } }, ['2'], ['7', '-1']],
  ])('selects of versions 0, 2 and 3 the right ones: %s', (_, policy, versions, missing) => {
    expect(chooseVersions(policy, ['0', '2', '3'])).toEqual({ versions, missing });
  });

  it('keeps all digits of a version beyond 2^53, from text and from JSON, and writes them again', () => {
    const text = `version_policy { specific { versions: [ 1, ${huge} ] } }`;
    const config = parseModelConfig(text, 'config.pbtxt');
    const fromJson = modelConfigFromJson({ version_policy: { specific: { versions: [1, huge] } } }, 'JSON');
    expect(config).toEqual(fromJson);
    expect(parseModelConfig(formatModelConfig(config), 'config.pbtxt')).toEqual(config);
    expect(chooseVersions(config.version_policy, ['1', '9007199254740992', huge]).versions).toEqual(['1', huge]);
  });
});

describe('the name of a version', () => {
  it.each(['0', '1', '10', huge, '9223372036854775807'])('can be %s', (name) => expect(isVersionName(name)).toBe(true));
  it.each(['', '01', '-1', '1a', '1.0', '9223372036854775808', '99999999999999999999', '١'])('cannot be %s', (name) =>
    expect(isVersionName(name)).toBe(false),
  );
  it('sorts by size, whatever its length', () => {
    expect(['10', '9', huge, '9007199254740992'].sort(compareVersions)).toEqual(['9', '10', '9007199254740992', huge]);
  });
});
