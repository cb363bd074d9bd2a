/**
 * gRPC's standard health check, as probes of Kubernetes and load balancers ask for it. Like Triton's it gives the same
 * answer for every service name, and there is no Watch.
 */
import { messageOf } from '../../../src/common/errors.js';
import { WireReader } from '../../../src/kserve/wire-reader.js';
import type { ModelSource } from '../model-source.js';
import type { GrpcMethod } from './grpc-method.js';

export const HEALTH_CHECK_PATH = '/grpc.health.v1.Health/Check';

/** HealthCheckResponse with its one field, the status. */
const serving = Uint8Array.of(0x08, 1);
const notServing = Uint8Array.of(0x08, 2);

export const createHealthMethod = (source: ModelSource): GrpcMethod => ({
  isStreaming: false,
  keepsRequest: false,
  invoke(bytes, start, end, reply) {
    try {
      const reader = new WireReader(bytes.subarray(start, end));
      while (reader.hasMore()) reader.skip(reader.readTag());
    } catch (thrown) {
      reply.fail({ status: 'INTERNAL', message: `Unable to parse request: ${messageOf(thrown)}` });
      return;
    }
    reply.succeed(source.isReady() ? serving : notServing);
  },
});
