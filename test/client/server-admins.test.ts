import { createGrpcAdmin } from '../../src/client/grpc-admin.js';
import { createHttpAdmin } from '../../src/client/http-admin.js';
import { describeServerAdmin } from '../contract-suites/server-admin.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';

describeServerAdmin('gRPC admin', createGrpcAdmin, startScriptedGrpcServer);
describeServerAdmin('HTTP admin', createHttpAdmin, startScriptedHttpServer);
