import { expect, it } from 'vitest';
import { chooseVersions } from '../../../engine/repository/version-policy.js';

it.each([
  ['no policy', undefined, [3], []],
  ['latest', { latest: {} }, [3], []],
  ['latest 2', { latest: { num_versions: 2 } }, [2, 3], []],
  ['latest 9', { latest: { num_versions: 9 } }, [1, 2, 3], []],
  ['all', { all: {} }, [1, 2, 3], []],
  ['specific', { specific: { versions: [3, 1, 3] } }, [1, 3], []],
  ['specific with a missing one', { specific: { versions: [1, 7] } }, [1], [7]],
])('with %s, of versions 1, 2 and 3 the right ones are served', (_, policy, versions, missing) => {
  expect(chooseVersions(policy, [1, 2, 3])).toEqual({ versions, missing });
});
