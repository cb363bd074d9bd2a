import { describe, expect, it } from 'vitest';
import { OrderedAnswers } from '../../../engine/frontend/ordered-answers.js';

function recordedStream(isSlow = false): { log: string[]; answers: OrderedAnswers } {
  const log: string[] = [];
  const answers = new OrderedAnswers(3, {
    write: (bytes) => {
      log.push(Buffer.from(bytes).toString());
      return !isSlow;
    },
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
    end: () => log.push('end'),
  });
  return { log, answers };
}

describe('answers on a stream', () => {
  it('leave in the order of the requests, whichever is ready first', () => {
    const { log, answers } = recordedStream();
    const first = answers.reserve();
    const second = answers.reserve();
    second(Buffer.from('2'));
    expect(log).toEqual([]);
    first(Buffer.from('1'));
    expect(log).toEqual(['1', '2']);
  });

  it('end the stream after the last one', () => {
    const { log, answers } = recordedStream();
    const only = answers.reserve();
    answers.endAfterLast();
    expect(log).toEqual([]);
    only(Buffer.from('1'));
    expect(log).toEqual(['1', 'end']);
  });

  it('end a stream without requests at once', () => {
    const { log, answers } = recordedStream();
    answers.endAfterLast();
    expect(log).toEqual(['end']);
  });

  it('hold the stream back while the limit of unanswered requests is reached', () => {
    const { log, answers } = recordedStream();
    const places = [answers.reserve(), answers.reserve(), answers.reserve()];
    expect(log).toEqual(['pause']);
    places[0]!(Buffer.from('1'));
    expect(log).toEqual(['pause', '1', 'resume']);
  });

  it('wait for a caller that reads slowly', () => {
    const { log, answers } = recordedStream(true);
    const places = [answers.reserve(), answers.reserve()];
    places[0]!(Buffer.from('1'));
    places[1]!(Buffer.from('2'));
    expect(log).toEqual(['1', 'pause']);
    answers.drained();
    expect(log).toEqual(['1', 'pause', '2']);
    answers.drained();
    expect(log).toEqual(['1', 'pause', '2', 'resume']);
  });
});
