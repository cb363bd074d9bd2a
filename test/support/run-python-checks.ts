/** Runs a Python script that prints one JSON line for each of its checks. */
import { spawn } from 'node:child_process';

export interface PythonCheck {
  readonly topic: string;
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** The script's JSON lines. It runs to its end without blocking a server that lives in this process. */
export function runPython<Line>(python: string, script: string, ...words: readonly string[]): Promise<Line[]> {
  const child = spawn(python, [script, ...words], { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } });
  let out = '';
  let problems = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) reject(new Error(`the script ended with ${code}: ${problems}`));
      else resolve(out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line])));
    });
  });
}
