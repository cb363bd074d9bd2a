/** Starts `canned-server.mjs` in a process of its own, and what benchmarks of servers share. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** `answer` is its bytes, or how many of them. `readUsage` gives the process's CPU time since its start and its resident set. */
export async function startCannedServer(kind, answer) {
  const content = typeof answer === 'number' ? String(answer) : Buffer.from(answer).toString('base64');
  const child = fork(fileURLToPath(new URL('canned-server.mjs', import.meta.url)), [kind, content]);
  const nextMessage = () => new Promise((resolve) => child.once('message', resolve));
  const { port } = await nextMessage();
  const readUsage = async () => {
    const usage = nextMessage();
    child.send('usage');
    const { cpu, rssBytes } = await usage;
    return { cpuUs: cpu.user + cpu.system, rssBytes };
  };
  return { port, readUsage, stop: () => child.disconnect() };
}
