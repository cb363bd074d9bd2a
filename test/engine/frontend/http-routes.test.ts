import { expect, it } from 'vitest';
import { matchRoute } from '../../../engine/frontend/http-routes.js';

it.each([
  ['GET', '/v2', { kind: 'server-metadata' }],
  ['GET', '/v2/', { kind: 'not-found' }],
  ['POST', '/v2/models/m/generate', { kind: 'generate', name: 'm', version: '', isStreaming: false }],
  ['POST', '/v2/models/m/versions/2/generate_stream', { kind: 'generate', name: 'm', version: '2', isStreaming: true }],
  ['GET', '/v2/models/m/generate', { kind: 'method-not-allowed' }],
  ['GET', '/v2/health/live', { kind: 'live' }],
  ['GET', '/v2/health/ready?x=1', { kind: 'ready' }],
  ['GET', '/v2/models/m', { kind: 'model-metadata', name: 'm', version: '' }],
  ['GET', '/v2/models/m/versions/3', { kind: 'model-metadata', name: 'm', version: '3' }],
  ['GET', '/v2/models/m/ready', { kind: 'model-ready', name: 'm', version: '' }],
  ['GET', '/v2/models/m/versions/2/config', { kind: 'model-config', name: 'm', version: '2' }],
  ['GET', '/v2/models/m/stats', { kind: 'model-statistics', name: 'm', version: '' }],
  ['GET', '/v2/models/stats', { kind: 'model-statistics', name: '', version: '' }],
  ['POST', '/v2/models/m/infer', { kind: 'infer', name: 'm', version: '' }],
  ['POST', '/v2/models/m/versions/1/infer', { kind: 'infer', name: 'm', version: '1' }],
  ['POST', '/v2/models/a%20b/infer', { kind: 'infer', name: 'a b', version: '' }],
  ['POST', '/v2/repository/index', { kind: 'index', repository: '' }],
  ['POST', '/v2/repository/r/index', { kind: 'index', repository: 'r' }],
  ['POST', '/v2/repository/models/m/load', { kind: 'load', repository: '', name: 'm' }],
  ['POST', '/v2/repository/r/models/a%2Fb/unload', { kind: 'unload', repository: 'r', name: 'a/b' }],
  ['GET', '/v2/repository/models/m/load', { kind: 'method-not-allowed' }],
  ['POST', '/v2/repository/models/%ff/load', { kind: 'not-found' }],
  ['POST', '/v2/repository/models/m/remove', { kind: 'not-found' }],
  ['GET', '/v2/repository/index', { kind: 'method-not-allowed' }],
  ['GET', '/v2/models/m/infer', { kind: 'method-not-allowed' }],
  ['DELETE', '/v2', { kind: 'method-not-allowed' }],
  ['GET', '/v2/models/m/versions/abc', { kind: 'not-found' }],
  ['GET', '/v2/models/%ff', { kind: 'not-found' }],
  ['GET', '/v2/models/', { kind: 'not-found' }],
  ['GET', '/', { kind: 'not-found' }],
  ['GET', '/constructor', { kind: 'not-found' }],
])('%s %s means %j', (method, url, call) => {
  expect(matchRoute(method, url)).toEqual(call);
});
