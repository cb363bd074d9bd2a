/** Sizes as people write them in sweep files and limits: `256MiB`, `2GiB`, `64MB`, or a plain number of bytes. */

const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Whole bytes, or undefined when the text is no size. */
export function readByteSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)?\s*$/i.exec(text);
  const factor = match ? bytesPerUnit[(match[2] ?? 'b').toLowerCase()] : undefined;
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}
