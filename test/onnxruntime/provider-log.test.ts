import { describe, expect, it } from 'vitest';
import { readPlacement, readReason, tidyReason } from '../../src/onnxruntime/provider-log.js';

const line = (severity: string, text: string): string =>
  `2026-01-02 03:04:05.678 [${severity}:onnxruntime:, file.cc:12 Apply] ${text}`;

describe('ONNX Runtime’s log', () => {
  it('tells which provider got how many nodes and how many copies were inserted', () => {
    const log = [
      line('V', ' Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 40'),
      line('V', ' Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2'),
      line('W', '3 Memcpy nodes are added to the graph main_graph for CUDAExecutionProvider. It might have impact'),
      line('W', '1 Memcpy nodes are added to the graph sub for CUDAExecutionProvider.'),
    ].join('\n');
    expect(readPlacement(log)).toEqual({ nodes: { cuda: 40, cpu: 2 }, copyCount: 4 });
    expect(readPlacement(line('V', ' All nodes placed on [NewProvider]. Number of nodes: 7')).nodes).toEqual({
      NewProvider: 7,
    });
    expect(readPlacement('')).toEqual({ nodes: {}, copyCount: 0 });
  });

  it('ends with the reason of a refusal, which is told without colours and places in sources', () => {
    const log = `${line('I', 'something')}\n\u001b[1;31m${line('E', '/a/b/factory.cc:232 ns::Parse(const T&, X&)::<lambda()> Invalid provider_option key: nope')}\n\u001b[m\n`;
    expect(readReason(log)).toBe('Invalid provider_option key: nope');
    expect(readReason(`${line('I', 'x')}\nlibtbb.so.12: cannot open\n${line('I', 'y')}`)).toBe(
      'libtbb.so.12: cannot open',
    );
    expect(readReason(line('V', 'nothing of interest'))).toBe('');
  });

  it('is told as one sentence where a message has several lines', () => {
    const text =
      '/x/y.cc:1 ns::f(int) [OpenVINO-EP] Exception while Loading\nException from src/core.cpp:114:\nNotFound: Unsupported property NOPE';
    expect(tidyReason(text)).toBe('Exception while Loading NotFound: Unsupported property NOPE');
  });
});
