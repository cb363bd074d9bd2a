import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccuracyTally } from '../../src/check/accuracy.js';
import type { Tensor } from '../../src/kserve/tensor.js';

function floats(values: readonly number[], shape: readonly number[] = [1, values.length], name = 'y'): Tensor {
  return { name, dataType: 'FP32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

function compare(reference: Tensor, variant: Tensor, isCtc = false) {
  const tally = new AccuracyTally({ isCtc });
  tally.add([reference], [variant]);
  return tally.report();
}

describe('the accuracy of a variant', () => {
  it('has the errors that can be worked out by hand', () => {
    const { outputs, metrics, sampleCount } = compare(floats([3, 4, 0, 0]), floats([3, 5, 0.5, 0]));
    expect(sampleCount).toBe(1);
    expect(outputs[0]).toMatchObject({
      valueCount: 4,
      equal: 0.5,
      maxAbs: 1,
      meanAbs: 1.5 / 4,
      maxRel: 0.25,
      meanRel: 0.125,
      nanCount: 0,
      infinityCount: 0,
      top1: 1,
      top5: null,
      cer: null,
    });
    expect(metrics.accuracy_cosine).toBeCloseTo((9 + 20) / (5 * Math.sqrt(9 + 25 + 0.25)), 12);
  });

  it('is perfect for the same answer, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { minLength: 1, maxLength: 20 }), (values) => {
        const [output] = compare(floats(values), floats(values)).outputs;
        expect(output).toMatchObject({ equal: 1, maxAbs: 0, nanCount: 0, infinityCount: 0 });
        expect(output!.cosine).toBeCloseTo(1, 9);
      }),
    );
  });

  it('adds up over answers', () => {
    const tally = new AccuracyTally();
    tally.add([floats([1, 2])], [floats([1, 2])]);
    tally.add([floats([1, 2])], [floats([4, 2])]);
    expect(tally.report()).toMatchObject({ sampleCount: 2, outputs: [{ maxAbs: 3, meanAbs: 0.75, top1: 0.5 }] });
  });

  it('fails every limit when the variant has NaN or infinity where the reference has numbers', () => {
    const { outputs, metrics } = compare(floats([1, 2, 3]), floats([Number.NaN, Infinity, 3]));
    expect(outputs[0]).toMatchObject({ nanCount: 1, infinityCount: 1, maxAbs: Infinity, cosine: 0, top1: 0 });
    expect(metrics.accuracy_max_abs).toBe(Infinity);
  });

  it('counts a number where the reference is infinite as a difference without bound', () => {
    expect(compare(floats([1, Infinity]), floats([1, 7])).outputs[0]).toMatchObject({ maxAbs: Infinity });
  });

  it('agrees on classes by row: the best one, and the best among five', () => {
    const reference = floats([9, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 1], [2, 7]);
    const variant = floats([5, 1, 2, 3, 4, 9, 6, 6, 5, 4, 3, 2, 1, 0], [2, 7]);
    expect(compare(reference, variant).outputs[0]).toMatchObject({ top1: 0, top5: 0.5 });
  });

  it('reads CTC scores as text and counts the edits between', () => {
    const steps = (...classes: readonly number[]): Tensor =>
      floats(
        classes.flatMap((best) => [0, 1, 2, 3].map((index) => (index === best ? 1 : 0))),
        [1, classes.length, 4],
      );
    const reference = steps(1, 1, 0, 1, 2, 0, 3, 3);
    expect(compare(reference, steps(1, 0, 1, 1, 2, 2, 0, 3), true).metrics.accuracy_cer).toBe(0);
    expect(compare(reference, steps(1, 0, 1, 1, 3, 2, 0, 3), true).metrics.accuracy_cer).toBe(1 / 4);
    expect(compare(reference, steps(0, 0, 0, 0, 0, 0, 0, 0), true).metrics.accuracy_cer).toBe(1);
    expect(compare(reference, reference).metrics.accuracy_cer).toBeNull();
  });

  it('compares halves with floats, and whole numbers without classes', () => {
    const half: Tensor = { name: 'y', dataType: 'FP16', shape: [1, 2], bytes: Uint8Array.of(0x00, 0x3c, 0x00, 0xc0) };
    expect(compare(floats([1, -2]), half).outputs[0]).toMatchObject({ equal: 1, maxAbs: 0 });
    const whole = (...values: number[]): Tensor => ({
      name: 'y',
      dataType: 'INT64',
      shape: [values.length],
      bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
    });
    expect(compare(whole(1, -5), whole(1, -7)).outputs[0]).toMatchObject({ equal: 0.5, maxAbs: 2, top1: null });
  });

  it('compares strings by equality alone', () => {
    const strings = (...texts: string[]): Tensor => ({
      name: 'y',
      dataType: 'BYTES',
      shape: [texts.length],
      bytes: Buffer.concat(
        texts.map((text) => Buffer.concat([Uint8Array.of(text.length, 0, 0, 0), Buffer.from(text)])),
      ),
    });
    const [output] = compare(strings('a', 'bc'), strings('a', 'bd')).outputs;
    expect(output).toMatchObject({ equal: 0.5, maxAbs: null, meanAbs: null, cosine: null });
  });

  it('refuses an answer that lacks an output or has another shape, all of them together', () => {
    const tally = new AccuracyTally();
    const reference = [floats([1], [1, 1], 'a'), floats([1], [1, 1], 'b')];
    expect(() => tally.add(reference, [floats([1, 2], [1, 2], 'b')])).toThrow(
      /output a: the variant does not return it.*output b: the variant returns FP32 \[1, 2\]/,
    );
  });
});
