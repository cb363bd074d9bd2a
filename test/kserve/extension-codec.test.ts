import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeExtensionRequest,
  decodeExtensionResponse,
  encodeExtensionRequest,
  encodeExtensionResponse,
} from '../../src/kserve/extension-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';

const region = fc.record({
  name: fc.string(),
  key: fc.string(),
  offset: fc.nat(2 ** 40),
  byte_size: fc.nat(2 ** 40),
});

describe('the calls of the extensions', () => {
  it('carry regions as they are', () => {
    fc.assert(
      fc.property(region, (request) => {
        const encoded = encodeExtensionRequest('SystemSharedMemoryRegister', request);
        expect(decodeExtensionRequest('SystemSharedMemoryRegister', encoded)).toEqual(request);
        const response = { regions: { [`x${request.name}`]: request } };
        const answer = encodeExtensionResponse('SystemSharedMemoryStatus', response);
        expect(decodeExtensionResponse('SystemSharedMemoryStatus', answer)).toEqual(response);
      }),
    );
  });

  it('tell a setting without a value from one that is left out', () => {
    const settings = { trace_rate: { value: [] }, trace_level: { value: ['A', 'B'] } };
    const encoded = encodeExtensionRequest('TraceSetting', { settings, model_name: 'm' });
    expect(decodeExtensionRequest('TraceSetting', encoded)).toEqual({ settings, model_name: 'm' });
  });

  it('keep the type of a log setting, also where its value is zero', () => {
    const settings = {
      log_info: { bool_param: false },
      log_verbose_level: { uint32_param: 0 },
      log_format: { string_param: '' },
      odd: {},
    };
    const encoded = encodeExtensionRequest('LogSettings', { settings });
    expect(decodeExtensionRequest('LogSettings', encoded)).toEqual({ settings });
  });

  it('are refused when their bytes are malformed', () => {
    expect(() => decodeExtensionRequest('LogSettings', Uint8Array.of(0x0a, 0xff))).toThrow(ProtocolError);
  });
});
