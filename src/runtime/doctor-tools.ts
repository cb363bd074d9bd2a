/** What doctor says of this user's folders and of other programs that perf-ts can work with. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { formatBytes } from '../common/format.js';
import { cacheFolder, dataFolder } from '../common/user-folders.js';
import { type Finding, finding, type Section } from './doctor-report.js';

export async function inspectFolders(): Promise<Section> {
  return {
    title: 'Folders',
    findings: [
      await inspectFolder('cache', cacheFolder(), 'PERF_TS_CACHE'),
      await inspectFolder('data', dataFolder(), 'PERF_TS_DATA'),
    ],
  };
}

async function inspectFolder(name: string, folder: string, variable: string): Promise<Finding> {
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, 'x');
    await rm(probe);
    const { bavail, bsize } = await statfs(folder);
    const text = `${folder} is writable and holds ${formatBytes(await sizeOf(folder))}; ${formatBytes(bavail * bsize)} free`;
    return finding(name, 'ok', text);
  } catch (cause) {
    return finding(
      name,
      'problem',
      `${folder} cannot be written: ${messageOf(cause)}`,
      `set ${variable} to a folder that you can write`,
    );
  }
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  // Files may go while they are counted.
  const sizes = files.map((file) =>
    stat(join(file.parentPath, file.name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Programs that are nice to have; perf-ts works without any of them. */
const programs: readonly (readonly [name: string, use: string])[] = [
  ['perf_analyzer', 'comparing results with it'],
  ['tritonserver', 'measuring a real Triton on this machine'],
  ['nvidia-smi', 'looking at NVIDIA GPUs by hand'],
  ['pip', 'the package index that it is set to'],
];

export const inspectPrograms = (path = process.env.PATH ?? ''): Section => ({
  title: 'Other programs',
  findings: programs.map(([name, use]) => {
    const folder = path.split(delimiter).find((candidate) => candidate !== '' && existsSync(join(candidate, name)));
    return folder === undefined
      ? finding(name, 'note', `not on PATH (only needed for ${use})`)
      : finding(name, 'ok', join(folder, name));
  }),
});
