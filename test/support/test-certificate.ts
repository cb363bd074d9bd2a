/** A certificate for localhost and 127.0.0.1 that signs itself, made by openssl; undefined where there is no openssl. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  remove(): void;
}

export function makeTestCertificate(): TestCertificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const { status } = spawnSync('openssl', ['req', '-x509', ...key, ...name, '-days', '2', '-out', certificateFile]);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (status === 0) return { certificateFile, keyFile, remove };
  remove();
  return undefined;
}
