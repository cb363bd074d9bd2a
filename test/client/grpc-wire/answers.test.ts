import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../src/http2/frame-writer.js';
import { frameFlags, frameTypes } from '../../../src/http2/protocol-constants.js';
import { collectFromScript, endOf, requestOf } from '../../support/collected-client.js';
import { encodeHuffman } from '../../support/encode-huffman.js';
import {
  answering,
  block,
  dataOf,
  greeting,
  headOf,
  prefixed,
  sampleResponse,
  trailersOf,
  wholeAnswer,
} from '../../support/raw-grpc-server.js';

const { END_HEADERS, END_STREAM, PADDED, PRIORITY } = frameFlags;

/** How a request ends that is answered with `parts`. */
async function endWith(...parts: ((id: number) => Uint8Array)[]): Promise<string> {
  const { sendOne } = await collectFromScript(answering((id) => Buffer.concat(parts.map((part) => part(id)))));
  return sendOne();
}

const head = (id: number): Buffer => headOf(id);
const message = (id: number): Buffer => dataOf(id, prefixed(sampleResponse));
const trailers = (id: number): Buffer => trailersOf(id);
const MALFORMED = 'INTERNAL: malformed answer';

describe('an answer of the wire-level client', () => {
  it('is ok when it has headers, one response and status 0', async () => {
    expect(await endWith(head, message, trailers)).toBe('ok');
  });

  it('may come in padded frames, with a priority, and with trailers that are continued', async () => {
    const paddedHead = (id: number): Buffer => {
      const payload = Buffer.concat([Buffer.from([3, 0, 0, 0, 1, 9]), block({ ':status': '200' }), Buffer.alloc(3)]);
      return encodeFrame(frameTypes.HEADERS, END_HEADERS | PADDED | PRIORITY, id, payload);
    };
    const paddedData = (id: number): Buffer =>
      dataOf(id, Buffer.concat([Buffer.from([7]), prefixed(sampleResponse), Buffer.alloc(7)]), PADDED);
    const cutTrailers = (id: number): Buffer => {
      const whole = block({ 'grpc-status': '0', 'x-long': 'y'.repeat(200) });
      return Buffer.concat([
        encodeFrame(frameTypes.HEADERS, END_STREAM, id, whole.subarray(0, 5)),
        encodeFrame(frameTypes.CONTINUATION, 0, id, whole.subarray(5, 100)),
        encodeFrame(frameTypes.CONTINUATION, END_HEADERS, id, whole.subarray(100)),
      ]);
    };
    expect(await endWith(paddedHead, paddedData, cutTrailers)).toBe('ok');
  });

  it('may arrive in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }), async (sizes) => {
        const { sendOne } = await collectFromScript((peer, frame) => {
          if (frame === undefined) peer.send(greeting());
          else if (frame.type === frameTypes.DATA) {
            const bytes = wholeAnswer(frame.streamId);
            let at = 0;
            const sendNext = (): void => {
              const size = sizes[at % sizes.length]!;
              peer.send(bytes.subarray(at, at + size));
              at += size;
              if (at < bytes.length) setImmediate(sendNext);
            };
            sendNext();
          }
        });
        expect(await sendOne()).toBe('ok');
      }),
      { numRuns: 15 },
    );
  });

  it('may have its message cut into DATA frames at any place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(sampleResponse.length + 5), { maxLength: 6 }), async (cuts) => {
        const bytes = prefixed(sampleResponse);
        const places = [0, ...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length];
        const parts = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        expect(await endWith(head, ...parts.map((part) => (id: number) => dataOf(id, part)), trailers)).toBe('ok');
      }),
      { numRuns: 15 },
    );
  });

  it("may use the server's table and Huffman codes", async () => {
    const text = encodeHuffman('application/grpc');
    const first = Buffer.concat([Buffer.from([0x88, 0x5f, 0x80 | text.length]), text]);
    const repeated = Buffer.from([0x88, 0x80 | 62]);
    const { sendOne } = await collectFromScript(
      answering((id) => {
        const frame = encodeFrame(frameTypes.HEADERS, END_HEADERS, id, id === 1 ? first : repeated);
        return Buffer.concat([frame, message(id), trailers(id)]);
      }),
    );
    expect([await sendOne(), await sendOne(), await sendOne()]).toEqual(['ok', 'ok', 'ok']);
  });

  it('may follow informational headers', async () => {
    const informational = (id: number): Buffer =>
      encodeFrame(frameTypes.HEADERS, END_HEADERS, id, block({ ':status': '103' }));
    expect(await endWith(informational, head, message, trailers)).toBe('ok');
  });

  it('may be megabytes long, beyond the windows that HTTP/2 begins with', async () => {
    const large = Buffer.concat([sampleResponse, Buffer.from([0x32, 0x80, 0x80, 0x80, 1]), Buffer.alloc(2 ** 21)]);
    const bytes = prefixed(large);
    const frames = (id: number): Buffer => {
      const cuts = Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, index) => index * 16_384);
      return Buffer.concat(cuts.map((cut) => dataOf(id, bytes.subarray(cut, cut + 16_384))));
    };
    expect(await endWith(head, frames, trailers)).toBe('ok');
  });

  it('is unfolded when it is compressed', async () => {
    for (const [encoding, packed] of [
      ['gzip', gzipSync(sampleResponse)],
      ['deflate', deflateSync(sampleResponse)],
    ] as const) {
      const compressed = (id: number): Buffer => dataOf(id, prefixed(packed, 1));
      const encoded = (id: number): Buffer => headOf(id, { 'grpc-encoding': encoding });
      const { client, sendOne } = await collectFromScript(
        answering((id) => Buffer.concat([encoded(id), compressed(id), trailers(id)])),
      );
      expect(await sendOne()).toBe('ok');
      expect(await client.inferOnce(requestOf(), 5000)).toMatchObject([{ name: 'OUT', shape: [2] }]);
    }
  });

  const oneByte = (id: number): Buffer => dataOf(id, Buffer.from([0]));
  const wrong: readonly [what: string, end: string, ...parts: ((id: number) => Uint8Array)[]][] = [
    ['without a message', MALFORMED, head, trailers],
    ['with two messages', MALFORMED, head, message, message, trailers],
    ['with an empty message', MALFORMED, head, (id) => dataOf(id, prefixed(Buffer.alloc(0))), trailers],
    [
      'with a message that is cut off',
      MALFORMED,
      head,
      (id) => dataOf(id, prefixed(sampleResponse).subarray(0, 20)),
      trailers,
    ],
    ['with a byte too many', MALFORMED, head, message, oneByte, trailers],
    ['with bytes that are no response', MALFORMED, head, (id) => dataOf(id, prefixed(Buffer.from('<html>'))), trailers],
    ['with a prefix of no meaning', MALFORMED, head, (id) => dataOf(id, prefixed(sampleResponse, 9)), trailers],
    [
      'compressed without saying how',
      MALFORMED,
      head,
      (id) => dataOf(id, prefixed(gzipSync(sampleResponse), 1)),
      trailers,
    ],
    [
      'whose compressed bytes are garbage',
      MALFORMED,
      (id) => headOf(id, { 'grpc-encoding': 'gzip' }),
      (id) => dataOf(id, prefixed(sampleResponse, 1)),
      trailers,
    ],
    ['with DATA before its headers', MALFORMED, message, head, trailers],
    ['with headers twice', MALFORMED, head, head, message, trailers],
    [
      'that ends without trailers',
      'INTERNAL: the answer has no grpc-status',
      head,
      (id) => dataOf(id, prefixed(sampleResponse), END_STREAM),
    ],
    [
      'without a status',
      'INTERNAL: the answer has no grpc-status',
      head,
      message,
      (id) => trailersOf(id, { 'x-y': 'z' }),
    ],
    [
      'with a status of no number',
      'INTERNAL: malformed status in the answer',
      head,
      message,
      (id) => trailersOf(id, { 'grpc-status': 'x' }),
    ],
    [
      'with a status and no more',
      'UNAVAILABLE: queue full',
      (id) => trailersOf(id, { ':status': '200', 'grpc-status': '14', 'grpc-message': 'queue full' }),
    ],
    [
      'with a status after its message',
      'INTERNAL: naïve 100%',
      head,
      message,
      (id) => trailersOf(id, { 'grpc-status': '13', 'grpc-message': 'na%C3%AFve 100%25' }),
    ],
    ['with a status without a name', 'STATUS 77', (id) => trailersOf(id, { ':status': '200', 'grpc-status': '77' })],
    [
      'of a proxy',
      'UNAVAILABLE: HTTP status 503 instead of a gRPC answer',
      (id) => headOf(id, { ':status': '503' }),
      (id) => dataOf(id, Buffer.from('busy'), END_STREAM),
    ],
    [
      'of another path',
      'NOT_FOUND: HTTP status 404 instead of a gRPC answer',
      (id) => trailersOf(id, { ':status': '404' }),
    ],
    [
      'with headers beyond the limit',
      "INTERNAL: the answer's header list is too large",
      head,
      message,
      (id) => encodeFrame(frameTypes.HEADERS, END_HEADERS | END_STREAM, id, tooMany),
    ],
  ];
  // Each byte names a field of the static table, 42 bytes or more in the list.
  const tooMany = Buffer.alloc(4000, 0x80 | 16);

  it.each(wrong)('%s is an error: %s', async (_what, end, ...parts) => {
    expect(await endWith(...parts)).toBe(end);
  });

  it('that is wrong does no harm to the others on its connection', async () => {
    const { server, completions, ended, send } = await collectFromScript(
      answering((id) => (id % 4 === 1 ? Buffer.concat([head(id), oneByte(id), trailers(id)]) : wholeAnswer(id))),
    );
    send(40);
    await ended(40);
    expect(completions.filter((completion) => endOf(completion) === 'ok')).toHaveLength(20);
    expect(completions.filter((completion) => endOf(completion) === MALFORMED)).toHaveLength(20);
    expect(server.peers).toHaveLength(1);
  });

  it('is timed from its first byte to its last', async () => {
    const { client, ended, send } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      else if (frame.type === frameTypes.DATA) {
        peer.send(head(frame.streamId));
        setTimeout(() => peer.send(message(frame.streamId), trailers(frame.streamId)), 30);
      }
    });
    send(1);
    await ended(1);
    const { answerCount, receiveTotalNs, timedCount, sendTotalNs } = client.clientTimes!();
    expect(answerCount).toBe(1);
    expect(receiveTotalNs).toBeGreaterThan(20e6);
    expect(timedCount).toBe(1);
    expect(sendTotalNs).toBeGreaterThan(0);
  });
});
