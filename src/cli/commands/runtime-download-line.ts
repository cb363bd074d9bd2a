/** The live line of a download: a bar, how much, how fast, and the time that is left. */

import { nowNs } from '../../common/clock.js';
import { formatBytes, formatDuration } from '../../common/format.js';
import { NANOS_PER_SEC } from '../../common/units.js';
import type { FillProgress } from '../../runtime/fill-folder.js';

const BAR_CELLS = 28;
/** Speed is that of the whole download so far; before this it would jump about. */
const SETTLING_NS = 0.5 * NANOS_PER_SEC;

/** A function that renders progress; `now` is injected by tests. */
export function createDownloadLine(now: () => number = nowNs): (progress: FillProgress) => string {
  let startNs: number | undefined;
  return ({ doneBytes, totalBytes, keptBytes, fileName }) => {
    startNs ??= now();
    const spentNs = now() - startNs;
    const ratio = totalBytes > 0 ? Math.min(doneBytes / totalBytes, 1) : 1;
    const filled = Math.round(ratio * BAR_CELLS);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`;
    const bytesPerSec = ((doneBytes - keptBytes) / Math.max(spentNs, 1)) * NANOS_PER_SEC;
    const isSettled = spentNs >= SETTLING_NS && bytesPerSec > 0;
    const leftNs = ((totalBytes - doneBytes) / bytesPerSec) * NANOS_PER_SEC;
    const pace = isSettled ? `  ${formatBytes(bytesPerSec)}/s  ${formatDuration(Math.max(leftNs, 0))} left` : '';
    return `${bar} ${Math.floor(ratio * 100)}%  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${pace}  ${fileName}`;
  };
}
