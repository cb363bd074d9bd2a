import { describe, expect, it } from 'vitest';
import { type HostNetwork, placeOf } from '../../src/monitor/server-place.js';

const entry = (address: string, cidr: string) => ({
  address,
  cidr,
  netmask: '',
  mac: '',
  family: 'IPv4' as const,
  internal: false,
});

const network = (changes: Partial<HostNetwork> = {}): HostNetwork => ({
  interfaces: {
    eth0: [entry('192.168.1.7', '192.168.1.7/24')],
    docker0: [entry('172.17.0.1', '172.17.0.1/16')],
  },
  isContainer: false,
  resolve: async (host) => [host],
  ...changes,
});

describe('the place of a server', () => {
  it.each(['127.0.0.1', '127.0.1.1', '::1', '[::1]', '192.168.1.7', '172.17.0.1'])('is here at %s', async (host) => {
    expect(await placeOf(host, network())).toBe('here');
  });

  it.each(['192.168.1.8', '10.0.0.3', '93.184.216.34'])('is elsewhere at %s', async (host) => {
    expect(await placeOf(host, network())).toBe('elsewhere');
  });

  it('is unclear in the network of a container of this host, and for a neighbour of a container', async () => {
    expect(await placeOf('172.17.0.2', network())).toBe('unclear');
    expect(await placeOf('192.168.1.8', network({ isContainer: true }))).toBe('unclear');
    expect(await placeOf('93.184.216.34', network({ isContainer: true }))).toBe('elsewhere');
  });

  it('is unclear where the name is unknown', async () => {
    expect(await placeOf('nowhere', network({ resolve: () => Promise.reject(new Error('no')) }))).toBe('unclear');
  });

  it('knows this host by its name', async () => {
    expect(await placeOf('localhost')).toBe('here');
  });
});
