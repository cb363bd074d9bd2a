import { expect, it } from 'vitest';
import { createBufferedSink } from '../../../engine/log/log-sink.js';

it('a sink writes what was added meanwhile together, one write at a time', async () => {
  const writes: string[] = [];
  let release = (): void => undefined;
  const sink = createBufferedSink({
    write: (text) => {
      writes.push(text);
      return new Promise((resolve) => {
        release = resolve;
      });
    },
  });
  sink.add('a\n');
  const first = sink.flush();
  await Promise.resolve();
  sink.add('b\n');
  sink.add('c\n');
  const second = sink.flush();
  await Promise.resolve();
  expect(writes).toEqual(['a\n']);
  release();
  await first;
  await Promise.resolve();
  expect(writes).toEqual(['a\n', 'b\nc\n']);
  release();
  await second;
});

it('a sink that cannot keep up loses lines rather than memory, and says how many', async () => {
  const writes: string[] = [];
  const sink = createBufferedSink({
    write: (text) => {
      writes.push(text);
      return Promise.resolve();
    },
  });
  const line = `${'x'.repeat(1 << 20)}\n`;
  for (let i = 0; i < 20; i++) sink.add(line);
  await sink.close();
  expect(writes[0]!.length).toBeLessThan(17 << 20);
  expect(writes[0]).toMatch(/\((\d) lines were lost here/);
});

it('a sink lets its destination go only after the last line', async () => {
  const events: string[] = [];
  const sink = createBufferedSink({
    write: async (text) => {
      await Promise.resolve();
      events.push(text);
    },
    release: async () => {
      await Promise.resolve();
      events.push('released');
    },
  });
  sink.add('last\n');
  await sink.close();
  expect(events).toEqual(['last\n', 'released']);
});
