/** Copies a build of ONNX Runtime that lies on disk: one library with what belongs to it, or a folder of libraries. */
import { copyFile, lstat, open, readdir, readlink, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, PerfTsError } from '../common/errors.js';
import { unwritableData } from './data-fault.js';

const IS_LIBRARY = /^lib.+\.so(\.\d+)*$/;
const IS_ONNX_RUNTIME = /^libonnxruntime\.so(\.\d+)*$/;
const BELONGS_TO_ONNX_RUNTIME = /^libonnxruntime[_.]/;

/**
 * Copies into `folder` and answers the library's file name there. Of a folder every shared library is taken; beside a
 * single file, those of ONNX Runtime.
 * @throws PerfTsError BAD_FILE when there is no ONNX Runtime at `path`, OUTPUT_UNWRITABLE when the disk refuses it.
 */
export async function copyBuild(path: string, folder: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw notABuild(path, messageOf(cause));
  });
  const from = found.isDirectory() ? path : dirname(path);
  const names = (await readdir(from)).filter((name) =>
    found.isDirectory() ? IS_LIBRARY.test(name) : name === basename(path) || BELONGS_TO_ONNX_RUNTIME.test(name),
  );
  if (!found.isDirectory()) await requireElf(path);
  const library = found.isDirectory()
    ? names
        .filter((name) => IS_ONNX_RUNTIME.test(name))
        .sort()
        .at(-1)
    : basename(path);
  if (library === undefined) throw notABuild(path, 'the folder holds no libonnxruntime.so');
  for (const name of names) {
    try {
      await copyOne(join(from, name), join(folder, name), names);
    } catch (cause) {
      throw unwritableData(join(folder, name), cause);
    }
  }
  return library;
}

/** A link to a file that is copied too stays a link. */
async function copyOne(from: string, to: string, names: readonly string[]): Promise<void> {
  if ((await lstat(from)).isSymbolicLink()) {
    const target = await readlink(from);
    if (names.includes(target)) return symlink(target, to);
  }
  await copyFile(from, to);
}

async function requireElf(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1') !== '\x7fELF') throw notABuild(path, 'it is not a shared library');
  } finally {
    await file.close();
  }
}

function notABuild(path: string, what: string): PerfTsError {
  return new PerfTsError('BAD_FILE', {
    where: path,
    what: `cannot install from here: ${what}`,
    hint: 'give a wheel, a libonnxruntime, a folder that holds one, or a name: openvino, cuda or cuda12',
  });
}
