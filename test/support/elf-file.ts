/** ELF files that are just enough for what reads their dynamic section. */

/** The smallest ELF file with a dynamic section that asks for `names`. */
export function elfAskingFor(names: readonly string[]): Buffer {
  const strings = Buffer.from(`\0${names.map((name) => `${name}\0`).join('')}`);
  const dynamicAt = 64 + 2 * 56;
  const dynamicBytes = (names.length + 3) * 16;
  const stringsAt = dynamicAt + dynamicBytes;
  const file = Buffer.alloc(stringsAt + strings.length);
  file.writeUInt32LE(0x464c457f, 0);
  file.set([2, 1], 4);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  [1, 2].forEach((type, index) => {
    const at = 64 + index * 56;
    const [offset, byteLength] = type === 1 ? [0, file.length] : [dynamicAt, dynamicBytes];
    file.writeUInt32LE(type, at);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(BigInt(offset), at + 16);
    file.writeBigUInt64LE(BigInt(byteLength), at + 32);
  });
  let place = 1;
  const entries = names.map((name) => {
    const entry = [1n, BigInt(place)] as const;
    place += name.length + 1;
    return entry;
  });
  const table = [...entries, [5n, BigInt(stringsAt)], [10n, BigInt(strings.length)], [0n, 0n]] as const;
  table.forEach(([tag, value], index) => {
    file.writeBigInt64LE(tag, dynamicAt + index * 16);
    file.writeBigUInt64LE(value, dynamicAt + index * 16 + 8);
  });
  strings.copy(file, stringsAt);
  return file;
}
