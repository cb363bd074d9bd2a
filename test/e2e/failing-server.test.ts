/** A server that goes wrong in the middle of a run: what was measured stays, the cause is named, and nothing hangs. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runRecordSchema } from '../../src/record/run-record.js';
import { type Fault, startFailingServer } from '../support/failing-grpc-server.js';
import { startPerfTs } from '../support/run-perf-ts.js';

const faults: readonly { readonly fault: Fault; readonly does: string; readonly cause: RegExp }[] = [
  { fault: 'die', does: 'dies', cause: /^UNAVAILABLE: connection (refused|lost)/ },
  { fault: 'garbage', does: 'answers what is no gRPC', cause: /malformed answer/ },
  { fault: 'malformed-message', does: 'answers what is no answer', cause: /malformed answer/ },
  { fault: 'reset-streams', does: 'closes streams', cause: /reset the stream/ },
  { fault: 'hang-up', does: 'closes connections', cause: /^UNAVAILABLE: / },
  { fault: 'hang', does: 'hangs', cause: /^DEADLINE_EXCEEDED: no answer within the request timeout/ },
];

const quick = ['--min-time', '400ms', '--max-time', '600ms', '--request-timeout', '700ms', '--json'];

describe('a run whose server', { timeout: 60_000 }, () => {
  it.each(faults)('$does keeps its levels and names the cause', async ({ fault, cause }) => {
    const server = await startFailingServer();
    onTestFinished(() => server.close());
    const run = startPerfTs([
      '-m',
      'echo',
      '-u',
      server.endpoint,
      '-i',
      'grpc',
      '--concurrency-range',
      '1:3:1',
      ...quick,
    ]);
    await run.seen('concurrency 1:');
    server.fail(fault);
    const { code } = await run.ended;

    const record = runRecordSchema.parse(JSON.parse(run.stdout()));
    const [first] = record.levels;
    expect(first).toMatchObject({ errorCount: 0, endReason: expect.not.stringMatching('failed') });
    expect(first?.requestCount).toBeGreaterThan(0);

    const last = record.levels.at(-1);
    expect(last).toMatchObject({ load: { concurrency: 3 }, verdict: 'INVALID', requestCount: 0 });
    expect(last?.errorCount).toBeGreaterThan(0);
    expect(Object.keys(last?.errors ?? {}).join('\n')).toMatch(cause);

    expect(code).toBe(4);
    const [folder = ''] = readdirSync(join(run.folder, 'results'));
    expect(existsSync(join(run.folder, 'results', folder, 'report.html'))).toBe(true);
    expect(run.survivors()).toEqual([]);
  });

  it('is not there ends before anything is sent, with exit code 4 and nothing kept', async () => {
    const server = await startFailingServer();
    await server.close();
    const run = startPerfTs(['-m', 'echo', '-u', server.endpoint, '-i', 'grpc', ...quick]);
    expect((await run.ended).code).toBe(4);
    expect(run.stderr()).toContain(server.endpoint);
    expect(existsSync(join(run.folder, 'results'))).toBe(false);
  });
});
