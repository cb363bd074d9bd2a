/** The order of the outputs in a response: Triton's ONNX Runtime backend keeps them in a map, so it is that of their names' bytes. */
import { Buffer } from 'node:buffer';

/** Less than 0 when the output `a` comes before `b`. */
export const compareOutputNames = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export const inResponseOrder = <Output extends { readonly name: string }>(
  outputs: readonly Output[],
): readonly Output[] => [...outputs].sort((a, b) => compareOutputNames(a.name, b.name));
