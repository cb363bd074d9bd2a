import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepingColors, onOneLine, safeJson, withoutControls } from '../../src/common/safe-text.js';

/** An OSC title, a colour, a cleared screen, C1 CSI, backspace, an override of direction, a separator, a tag, a lone surrogate. */
const hostile = [
  '\u001b]0;title\u0007',
  '\u001b[31m',
  '\u001b[2J',
  '\u009b2J',
  'a\bb',
  '\u202egnp.exe',
  '\u2066x\u2069',
  'a\u2028b',
  '\u{e0041}',
  '\ud800',
  '\u200b',
  '\ufeff',
  '\r',
];
const isUnsafe = (text: string): boolean =>
  [...text].some((character) => !/[\n\t\u200c\u200d]/.test(character) && /[\p{C}\p{Zl}\p{Zp}]/u.test(character));

describe('text from outside', () => {
  it.each(hostile)('loses what a terminal would obey: %j', (text) => {
    expect(isUnsafe(withoutControls(text).replace(/\p{Co}|\p{Cn}/gu, ''))).toBe(false);
    expect(onOneLine(`${text}\n\tx`)).not.toMatch(/[\n\t\r]/);
  });

  it('stays as it is where it is harmless', () => {
    const text = 'Größe 模型 مدل\u200cها 👨\u200d👩\n\tπ ± 3';
    expect(withoutControls(text)).toBe(text);
  });

  it('keeps the colours of our own renderers and no other sequence', () => {
    expect(keepingColors('\u001b[1mbold\u001b[22m \u001b[8mhidden\u001b[28m \u001b]0;x\u0007')).toBe(
      '\u001b[1mbold\u001b[22m ?[8mhidden?[28m ?]0;x?',
    );
  });

  it('is the same value again after JSON, without an unsafe character in it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' }))), (texts) => {
        const json = safeJson({ texts });
        expect(JSON.parse(json)).toEqual({ texts });
        expect(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u.test(json)).toBe(false);
      }),
    );
  });
});
