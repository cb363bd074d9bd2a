import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeStatusMessage,
  encodeStatusMessage,
  formatTimeout,
  parseTimeoutMs,
} from '../../src/http2/grpc-fields.js';

describe('gRPC status messages', () => {
  it('survive the wire and are printable ASCII on it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = encodeStatusMessage(text);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeStatusMessage(encoded)).toBe(text);
      }),
    );
  });

  it('escape percent signs and line ends', () => {
    expect(encodeStatusMessage('50 %\nä')).toBe('50 %25%0A%C3%A4');
  });

  it('keep a malformed escape as it is', () => {
    expect(decodeStatusMessage('100% of %zz%4')).toBe('100% of %zz%4');
  });
});

describe('gRPC timeouts', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['250m', 250],
    ['1500u', 1.5],
    ['2000000n', 2],
    ['99999999H', 99_999_999 * 3_600_000],
  ])('%s is understood', (text, expectedMs) => {
    expect(parseTimeoutMs(text)).toBeCloseTo(expectedMs, 9);
  });

  it.each(['', '5', 'm', '-1m', '1.5S', '123456789m', '5s', ' 5m', '5m\n'])('%j is refused', (text) => {
    expect(parseTimeoutMs(text)).toBeUndefined();
  });

  it('are never shortened on the wire, and hardly lengthened', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (timeoutMs) => {
        const sent = parseTimeoutMs(formatTimeout(timeoutMs));
        expect(sent).toBeGreaterThanOrEqual(timeoutMs * (1 - 1e-12));
        expect(sent).toBeLessThanOrEqual(timeoutMs * 1.0001 + 0.001);
      }),
    );
  });
});
