/** The published messages, read from proto/ where the package lies. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { packageRoot } from '../common/package-root.js';

/** Reads files of proto/, each after those that it imports; field names are kept as published. */
export function loadProto(...files: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  for (const file of files) {
    protobuf.parse(readFileSync(join(packageRoot, 'proto', file), 'utf8'), root, { keepCase: true });
  }
  root.resolveAll();
  return root;
}
