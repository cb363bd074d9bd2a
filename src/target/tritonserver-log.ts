/** What a tritonserver's log says went wrong, for people. */

const MOST_LINES = 4;
const MOST_CHARS = 1_000;

const refusedFlag = /(?:unrecognized|invalid) (?:option|argument)|option .* requires/i;
const complaint = /^[EF]\d{4} |^error:|^tritonserver: |^\w*Error:|Traceback/i;

/**
 * A refused flag, which the server's whole help follows; else the newest errors without their prefix, or the newest lines
 * of any kind where none is one.
 */
export function lastComplaints(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[+|]/.test(line));
  const flag = lines.find((line) => refusedFlag.test(line));
  if (flag !== undefined) return withoutPrefix(flag);
  const complaints = lines.filter((line) => complaint.test(line));
  const chosen = (complaints.length > 0 ? complaints : lines).slice(-MOST_LINES).map(withoutPrefix);
  const text = [...new Set(chosen)].join(' | ').slice(0, MOST_CHARS);
  return text === '' ? 'nothing' : text;
}

/** A reason that spans lines, such as a Python traceback, as one line. */
export const oneLineReason = (reason: string): string =>
  reason
    .replace(/\s*\n\s*/g, ' | ')
    .trim()
    .slice(0, MOST_CHARS);

/** `E1121 11:20:01.000000 123 file.cc:45] "words"` as `words`. */
const withoutPrefix = (line: string): string =>
  line.replace(/^[EFWI]\d{4} [\d:.]+ +\d+ [\w./-]+:\d+\] /, '').replace(/^"(.*)"$/, '$1');
