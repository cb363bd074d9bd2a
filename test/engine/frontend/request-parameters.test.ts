import { describe, expect, it } from 'vitest';
import { readPriority, readTimeoutUs } from '../../../engine/frontend/request-parameters.js';
import { startInference } from '../../../engine/frontend/start-inference.js';
import { instant } from '../../../src/common/units.js';
import type { RequestParameters } from '../../../src/kserve/tensor.js';
import { FakeModel } from '../../support/fake-model.js';

describe('the parameters of a request', () => {
  it('may name a priority, which is checked as a Triton server checks it', () => {
    expect([undefined, {}, { other: 5 }, { priority: 0 }, { priority: 7 }].map(readPriority)).toEqual([0, 0, 0, 0, 7]);
    expect(() => readPriority({ priority: -1 })).toThrow("invalid value for 'priority', expected value >= 0.");
    for (const priority of ['1', true, 1.5]) {
      expect(() => readPriority({ priority })).toThrow("invalid value type for 'priority' parameter");
    }
  });

  it('may name a timeout; a negative one never shortens anything', () => {
    expect([undefined, {}, { timeout: 0 }, { timeout: 250 }, { timeout: -1 }].map(readTimeoutUs)).toEqual([
      0, 0, 0, 250, 0,
    ]);
    for (const timeout of ['1', true, 1.5]) {
      expect(() => readTimeoutUs({ timeout })).toThrow("invalid value type for 'timeout' parameter");
    }
  });

  it('reach the model', () => {
    const model = new FakeModel({ isHeld: true });
    const send = (parameters: RequestParameters): void =>
      startInference(
        model,
        { id: '', inputs: [], outputNames: [], parameters },
        instant(0),
        () => false,
        () => undefined,
        undefined,
      );
    send({ priority: 3, timeout: 90 });
    expect(() => send({ priority: 'high' })).toThrow(expect.objectContaining({ name: 'ProtocolError' }));
    expect(model.held.map(({ request }) => [request.priority, request.timeoutUs])).toEqual([[3, 90]]);
  });
});
