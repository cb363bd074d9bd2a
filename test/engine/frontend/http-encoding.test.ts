import { gunzipSync, inflateSync } from 'node:zlib';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyLimits } from '../../../engine/frontend/http-body.js';
import { chooseContentEncoding } from '../../../engine/frontend/http-encoding.js';
import { HttpFrontEnd } from '../../../engine/frontend/http-front-end.js';
import { decodeHttpInferResponse } from '../../../src/kserve/http-codec.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';

describe('the content encoding of an answer', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['gzip, deflate', 'gzip'],
    ['gzip;q=0.5, deflate;q=0.8', 'deflate'],
    ['br, DEFLATE', 'deflate'],
    ['gzip;q=0', 'identity'],
    ['identity, gzip;q=0.5', 'identity'],
    ['*', 'identity'],
    ['q=;;,gzip;q=abc', 'identity'],
  ] as const)('for Accept-Encoding %s is %s', (accepted, expected) => {
    expect(chooseContentEncoding(accepted)).toBe(expected);
  });
});

describe('inference over HTTP', () => {
  const opened: HttpFrontEnd[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((frontEnd) => frontEnd.close(AbortSignal.abort()))));

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ] as const)(
    'is answered with %s where the client takes it, with the length of the unpacked JSON',
    async (name, unpack) => {
      const options = { address: '127.0.0.1', port: 0, maxInputBytes: 1e6 };
      const frontEnd = new HttpFrontEnd(options, sourceOf(new FakeModel()));
      opened.push(frontEnd);
      const url = `http://127.0.0.1:${await frontEnd.start()}/v2/models/echo/infer`;
      const data = Array.from({ length: 2000 }, () => 1.5);
      const document = {
        inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 2000], data }],
        outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
      };
      const body = JSON.stringify(document);
      const answer = await request(url, { method: 'POST', body, headers: { 'accept-encoding': name } });
      expect(answer.headers['content-encoding']).toBe(name);
      const packed = Buffer.from(await answer.body.arrayBuffer());
      expect(packed.length).toBeLessThan(1000);
      const jsonLength = Number(answer.headers['inference-header-content-length']);
      const { outputs } = decodeHttpInferResponse(unpack(packed), jsonLength);
      expect([...new Float32Array(new Uint8Array(outputs[0]!.bytes).buffer)]).toEqual(data);
    },
  );
});

describe('the limits of bodies', () => {
  it('give room back, and refuse what is beyond it', () => {
    const limits = new BodyLimits(10, 15);
    expect([limits.take(10), limits.take(6), limits.take(5)]).toEqual([true, false, true]);
    limits.giveBack(10);
    expect(limits.take(10)).toBe(true);
  });
});
