import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../engine/options.js';
import { type Engine, startEngine } from '../../engine/server.js';
import { inferClients } from '../../src/client/create-infer-client.js';
import { readOptions } from '../../src/common/option-row.js';
import { packageRoot } from '../../src/common/package-root.js';
import { findPython } from '../support/find-python.js';
import { buildIdentityModel } from '../support/identity-model.js';
import { writeRepository } from '../support/model-repository.js';
import { type PythonCheck, runPython } from '../support/run-python-checks.js';
import { makeTestCertificate } from '../support/test-certificate.js';

const python = findPython(['tritonclient.grpc', 'numpy']);
const certificate = makeTestCertificate();
afterAll(() => certificate?.remove());

async function startTlsEngine(isMutual: boolean): Promise<Engine> {
  const config = 'max_batch_size: 8\n';
  const files = { 'identity/config.pbtxt': config, 'identity/1/model.onnx': buildIdentityModel('FP32') };
  const { certificateFile, keyFile } = certificate!;
  const { values } = readOptions(engineOptionRows, {
    'model-repository': [await writeRepository(files)],
    'allow-http': ['false'],
    'allow-metrics': ['false'],
    'grpc-port': ['0'],
    'grpc-use-ssl': ['true'],
    'grpc-use-ssl-mutual': [String(isMutual)],
    'grpc-server-cert': [certificateFile],
    'grpc-server-key': [keyFile],
    'grpc-root-cert': [certificateFile],
    'grpc-infer-response-compression-level': ['high'],
  });
  return startEngine(values);
}

describe.skipIf(certificate === undefined)('an engine with TLS', () => {
  describe.skipIf(python === undefined)('and the official Python client', () => {
    it.each([false, true])('agree on whom to let in, mutual %s', async (isMutual) => {
      const engine = await startTlsEngine(isMutual);
      const { certificateFile, keyFile } = certificate!;
      const args = [`localhost:${engine.grpcPort}`, certificateFile, certificateFile, keyFile, String(isMutual)];
      try {
        const checks = await runPython<PythonCheck>(
          python!,
          join(packageRoot, 'test', 'contract', 'tls_contract.py'),
          ...args,
        );
        expect(checks.filter(({ ok }) => !ok)).toEqual([]);
        expect(checks).toHaveLength(3);
      } finally {
        await engine.close();
      }
    });
  });

  it.each(['grpc-wire', 'grpc-js'] as const)(
    'answers the %s client of perf-ts with a certificate of its own',
    async (kind) => {
      const engine = await startTlsEngine(true);
      const { certificateFile, keyFile } = certificate!;
      const client = await inferClients[kind]({
        endpoint: `localhost:${engine.grpcPort}`,
        onCompletion: () => undefined,
        requestTimeoutMs: 10_000,
        tls: { rootCertificatesFile: certificateFile, certificateChainFile: certificateFile, privateKeyFile: keyFile },
      });
      const bytes = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
      const inputs = [{ name: 'INPUT0', dataType: 'FP32' as const, shape: [1, 3], bytes }];
      const [output] = await client.inferOnce(
        { modelName: 'identity', modelVersion: '', inputs, outputNames: [] },
        10_000,
      );
      expect([...output!.bytes]).toEqual([...bytes]);
      await client.close();
      await engine.close();
    },
  );
});
