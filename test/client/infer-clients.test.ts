import { createGrpcClient } from '../../src/client/grpc-client.js';
import { createGrpcWireClient } from '../../src/client/grpc-wire/grpc-wire-client.js';
import { createHttpClient } from '../../src/client/http-client.js';
import { createNewChannelClient } from '../../src/client/new-channel-client.js';
import { describeInferClient } from '../contract-suites/infer-client.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';

describeInferClient('wire-level gRPC client', createGrpcWireClient, startScriptedGrpcServer);
describeInferClient('gRPC client', createGrpcClient, startScriptedGrpcServer);
describeInferClient('gRPC client of a channel a request', createNewChannelClient, startScriptedGrpcServer);
describeInferClient('HTTP client', createHttpClient, startScriptedHttpServer);
