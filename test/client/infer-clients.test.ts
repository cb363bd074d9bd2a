import { createGrpcClient } from '../../src/client/grpc-client.js';
import { createHttpClient } from '../../src/client/http-client.js';
import { describeInferClient } from '../contract-suites/infer-client.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';

describeInferClient('gRPC client', createGrpcClient, startScriptedGrpcServer);
describeInferClient('HTTP client', createHttpClient, startScriptedHttpServer);
