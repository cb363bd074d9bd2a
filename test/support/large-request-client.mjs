/**
 * Sends requests that lie in files, all at once each time it gets a message, and puts each answer into FILE.answer:
 * `large-request-client.mjs TRANSPORT PORT CERTIFICATE JSON_LENGTH PATH FILE...`. TRANSPORT is http, grpc or tls, with `+gzip` for
 * requests that are compressed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';

const [transport, port, certificate, jsonLength, path, ...files] = process.argv.slice(2);
const [protocol, packing] = transport.split('+');
const same = (bytes) => bytes;

async function sendHttp(file) {
  const packed = packing === undefined ? {} : { 'content-encoding': 'gzip' };
  const body = readFileSync(file);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'inference-header-content-length': jsonLength, ...packed },
    body: packing === undefined ? body : gzipSync(body),
  });
  if (response.status !== 200) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
}

function createGrpcSender() {
  const trust = protocol === 'tls' ? credentials.createSsl(readFileSync(certificate)) : credentials.createInsecure();
  const compressed = packing === undefined ? {} : { 'grpc.default_compression_algorithm': 2 };
  const client = new Client(`localhost:${port}`, trust, compressed);
  return (file) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, readFileSync(file), (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
}

const send = protocol === 'http' ? sendHttp : createGrpcSender();
process.on('message', async () => {
  const answers = await Promise.all(files.map(send));
  for (const [place, answer] of answers.entries()) writeFileSync(`${files[place]}.answer`, answer);
  process.send('answered');
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
