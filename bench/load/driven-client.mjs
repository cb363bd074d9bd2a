/**
 * One load worker's work in a process of its own: a client under the closed loop's real driver, three instants a request
 * into shared columns, intervals computed from them afterwards. `driven-client.mjs KIND ENDPOINT IN_FLIGHT BYTES SECONDS`
 * prints one line of JSON. The CPU time is that of the process, without start and warm-up; `intervalUs` comes on top.
 */

import { inferClients } from '../../dist/src/client/create-infer-client.js';
import { systemClock } from '../../dist/src/common/clock.js';
import { ClosedLoopDriver } from '../../dist/src/load/closed-loop-driver.js';
import { collectColumns } from '../../dist/src/load/request-columns.js';
import { RequestLog } from '../../dist/src/load/request-log.js';
import { endlessSource } from '../../dist/src/load/request-source.js';
import { openWindow, precisionOf } from '../../dist/src/measure/windows/measured-window.js';

const [kind, endpoint, inFlight, bytes, seconds] = process.argv.slice(2);
const DISTINCT = Number(bytes) > 10_000 ? 4 : 32;
const WARM_UP_MS = 500;

const chunks = [];
const log = new RequestLog((chunk) => chunks.push(chunk));
let driver;
const client = await inferClients[kind]({
  endpoint,
  requestTimeoutMs: 30_000,
  onCompletion: (tag, receivedNs, outcome, cause) => driver.complete(tag, receivedNs, outcome, cause),
});
const handles = Array.from({ length: DISTINCT }, (_, index) =>
  client.prepare({
    modelName: 'identity',
    modelVersion: '',
    inputs: [
      {
        name: 'INPUT0',
        dataType: 'FP32',
        shape: [1, Number(bytes) / 4],
        bytes: new Uint8Array(Number(bytes)).fill(index),
      },
    ],
    outputNames: [],
  }),
);
driver = new ClosedLoopDriver({
  send: (handle, tag) => client.send(handle, tag),
  source: endlessSource(handles),
  concurrency: Number(inFlight),
  logs: [log],
  clock: systemClock,
});
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const countRows = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
const usOf = ({ user, system }) => user + system;

driver.start();
await delay(WARM_UP_MS);
const rowsBefore = countRows();
const cpuBefore = process.cpuUsage();
const beginNs = systemClock.now();
await delay(Number(seconds) * 1000);
const cpu = process.cpuUsage(cpuBefore);
const endNs = systemClock.now();
const count = countRows() - rowsBefore;
const times = client.clientTimes?.();
await driver.stop();
await client.close();

const beforeIntervals = process.cpuUsage();
const window = openWindow(collectColumns(chunks), beginNs, endNs, Number(inFlight));
const precision = precisionOf(window, 0.95);
const intervals = process.cpuUsage(beforeIntervals);
if (log.failureCount > 0) throw new Error(`requests failed: ${JSON.stringify(log.causes())}`);
const result = {
  perSec: (count * 1e9) / (endNs - beginNs),
  cpuUs: usOf(cpu) / count,
  systemUs: cpu.system / count,
  intervalUs: usOf(intervals) / count,
  halfWidth: precision.latencyMean,
  receiveUs: times === undefined ? undefined : times.receiveTotalNs / times.answerCount / 1000,
  sendUs: times === undefined ? undefined : times.sendTotalNs / times.timedCount / 1000,
};
console.log(JSON.stringify(result));
process.exit(0);
