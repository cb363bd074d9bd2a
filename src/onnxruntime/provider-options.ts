/**
 * Types of execution provider options. ONNX Runtime takes every value as text and often says no more than that a
 * provider failed, so values are checked here, before a session is made.
 */

export interface OptionType {
  /** What a value must be, for the message that refuses one. */
  readonly describe: string;
  /** The text for ONNX Runtime, or undefined when the value is not one. */
  readonly read: (text: string) => string | undefined;
}

export interface ProviderOption {
  readonly type: OptionType;
  /** What ONNX Runtime takes when it is not given, as it writes it; left out where the library decides. */
  readonly defaultText?: string;
  /** ONNX Runtime's name where Triton's key is another. */
  readonly ortName?: string;
  /** First release of ONNX Runtime that has it, such as `1.23`; left out where every one that perf-ts takes has it. */
  readonly since?: string;
}

const trueWords = ['true', 'on', '1'];
const falseWords = ['false', 'off', '0'];

/** Triton's words for a switch. */
export function readSwitch(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (trueWords.includes(word)) return true;
  return falseWords.includes(word) ? false : undefined;
}

export const switchWords = [...trueWords, ...falseWords].join(', ');

/** A switch that ONNX Runtime wants as 1 or 0. */
export const onOff: OptionType = {
  describe: `must be one of ${switchWords}`,
  read: (text) => {
    const isOn = readSwitch(text);
    return isOn === undefined ? undefined : isOn ? '1' : '0';
  },
};

/** A switch that ONNX Runtime wants as a word. */
export const trueFalse: OptionType = { ...onOff, read: (text) => readSwitch(text)?.toString() };

export const oneOf = (...words: readonly string[]): OptionType => ({
  describe: `must be ${words.join(' or ')}`,
  read: (text) => (words.includes(text) ? text : undefined),
});

/** One of the numbers 0, 1, ... that stand for words. */
export const numbered = (...words: readonly string[]): OptionType => ({
  describe: `must be ${words.map((word, index) => `${index} (${word})`).join(' or ')}`,
  read: (text) => (/^\d$/.test(text) ? words[Number(text)] : undefined),
});

const MOST_UINT64 = 2n ** 64n - 1n;

/** Compared as bigint, because sizes may take all of 64 bits. */
export const wholeNumber = (low: number, high: number | bigint = MOST_UINT64): OptionType => ({
  describe: `must be a whole number from ${low} to ${high}`,
  read: (text) =>
    /^\d{1,20}$/.test(text) && BigInt(text) >= BigInt(low) && BigInt(text) <= BigInt(high) ? text : undefined,
});

export const anyText: OptionType = {
  describe: 'must not be empty',
  read: (text) => (text === '' ? undefined : text),
};

/** `input:1x3x224x224,other:1x8`. */
export const shapeProfile: OptionType = {
  describe: 'must be shapes by input, such as image:1x3x224x224,mask:1x8',
  read: (text) => (/^[^:,]+:\d+(x\d+)*(,[^:,]+:\d+(x\d+)*)*$/.test(text) ? text : undefined),
};
