/** Knobs of the client: how many rows a request has and how many requests are in flight. The server stays as it is. */
import { always, batches, doublings, type Knob, oneOfValues, unchanged, wholeNumber } from './knob.js';

const AUTO = 'auto';
const MAX_CLIENT_BATCH = 32;
const MAX_CONCURRENCY = 64;

export const clientBatchSize: Knob = {
  name: 'client_batch_size',
  scope: 'portable',
  place: 'load',
  writes: 'rows in each request',
  isOrdered: true,
  isMinor: true,
  linePath: [],
  values: ({ config }) => doublings(Math.min(MAX_CLIENT_BATCH, Math.max(1, config.max_batch_size ?? 0))),
  read: () => 1,
  refuse: (value, { config }) =>
    batches(config) || value === 1 ? wholeNumber(1, 4096)(value) : 'must be 1: the model has no batch dimension',
  isActive: always,
  // The server refuses a request that is larger than its limit.
  isLegal: (value, read) => value === 1 || Number(value) <= Number(read('max_batch_size')),
  write: unchanged,
  explain: (value) => `measured with ${String(value)} row${value === 1 ? '' : 's'} in each request`,
};

export const clientConcurrency: Knob = {
  name: 'client_concurrency',
  scope: 'portable',
  place: 'load',
  writes: 'requests in flight',
  isOrdered: true,
  isMinor: true,
  linePath: [],
  values: () => [AUTO, ...doublings(MAX_CONCURRENCY)],
  read: () => AUTO,
  refuse: (value) =>
    oneOfValues(AUTO)(value) === undefined || wholeNumber(1, 4096)(value) === undefined
      ? undefined
      : 'must be auto or a whole number from 1 to 4096',
  isActive: always,
  write: unchanged,
  explain: (value) =>
    value === AUTO ? 'measured at the load that keeps it busy' : `measured with ${String(value)} requests in flight`,
};
