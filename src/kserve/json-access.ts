/**
 * Reads members of JSON documents as Triton's front end does, and refuses in the words of its JSON library: such a
 * refusal is INTERNAL there. `what` is what the caller was about to do, such as "Unable to parse 'name'".
 */
import { exactNumberOf } from './json-text.js';
import { ProtocolError } from './protocol-error.js';

export type JsonObject = Readonly<Record<string, unknown>>;

const refuse = (words: string, what: string): ProtocolError =>
  new ProtocolError(what === '' ? words : `${what}: ${words}`, 'INTERNAL');

const mistaken = (kind: string, wanted: string, what: string): ProtocolError =>
  refuse(`attempt to access JSON non-${kind} as ${wanted}`, what);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && exactNumberOf(value) === undefined;

/** The member where there is one; of anything but an object there is none. */
export const findMember = (holder: unknown, name: string): unknown =>
  isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;

/** Throws ProtocolError where there is none. */
export function memberOf(holder: unknown, name: string, what = ''): unknown {
  const member = findMember(holder, name);
  if (member === undefined) throw refuse(`attempt to access non-existing object member '${name}'`, what);
  return member;
}

/** The names of an object's members. Throws ProtocolError for anything else. */
export function memberNames(holder: unknown, what = ''): readonly string[] {
  if (isObject(holder)) return Object.keys(holder);
  throw refuse('attempt to get members for non-object', what);
}

export function asArray(value: unknown, what = ''): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw mistaken('array', 'array', what);
}

export function asJsonObject(value: unknown, what = ''): JsonObject {
  if (isObject(value)) return value;
  throw mistaken('object', 'object', what);
}

export function asText(value: unknown, what = ''): string {
  if (typeof value === 'string') return value;
  throw mistaken('string', 'string', what);
}

export function asBoolean(value: unknown, what = ''): boolean {
  if (typeof value === 'boolean') return value;
  throw mistaken('boolean', 'boolean', what);
}

const wholeNumberOf = (value: unknown): bigint | number | undefined => {
  const exact = exactNumberOf(value);
  if (exact !== undefined) return /^-?\d+$/.test(exact) ? BigInt(exact) : undefined;
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
};

/** A whole number that 64 bits hold without a sign. */
export function asUnsigned(value: unknown, what = ''): bigint | number {
  const whole = wholeNumberOf(value);
  if (whole !== undefined && whole >= 0 && whole < 2n ** 64n) return whole;
  throw mistaken('unsigned-integer', 'unsigned-integer', what);
}

/** A whole number that 64 bits hold with a sign. */
export function asSigned(value: unknown, what = ''): bigint | number {
  const whole = wholeNumberOf(value);
  if (whole !== undefined && whole >= -(2n ** 63n) && whole < 2n ** 63n) return whole;
  throw mistaken('signed-integer', 'signed-integer', what);
}

/** A count that this side can work with. */
export function asCount(value: unknown, what = ''): number {
  const count = Number(asUnsigned(value, what));
  if (Number.isSafeInteger(count)) return count;
  throw refuse('a number beyond 2^53 cannot be kept exactly', what);
}

export function asDouble(value: unknown, what = ''): number {
  if (typeof value === 'number') return value;
  const exact = exactNumberOf(value);
  if (exact !== undefined) return Number(exact);
  throw mistaken('number', 'double', what);
}
