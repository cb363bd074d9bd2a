/** Is a server on this host? Where it is, its CPU time is no other program's; where that cannot be told, nothing is. */

import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** `unclear`: perhaps a container of this host, whose processes are counted with the host's. */
export type ServerPlace = 'here' | 'elsewhere' | 'unclear';

/** What this host is; for tests. */
export interface HostNetwork {
  readonly interfaces: ReturnType<typeof networkInterfaces>;
  readonly isContainer: boolean;
  resolve(host: string): Promise<readonly string[]>;
}

/** Bridges to containers and virtual machines of this host. */
const BRIDGE = /^(docker|br-|virbr|veth|cni|podman|lxc|lxd|cali|flannel|kube|vmnet|bridge)/;

const privateAddresses = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const) {
  privateAddresses.addSubnet(net, bits, 'ipv4');
}
privateAddresses.addSubnet('fc00::', 7, 'ipv6');
privateAddresses.addSubnet('fe80::', 10, 'ipv6');

const thisHost = (): HostNetwork => ({
  interfaces: networkInterfaces(),
  isContainer:
    existsSync('/.dockerenv') || existsSync('/run/.containerenv') || process.env.KUBERNETES_SERVICE_HOST !== undefined,
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
});

/** `host` is a name or an address, an IPv6 address with or without brackets. Never rejects. */
export async function placeOf(host: string, network: HostNetwork = thisHost()): Promise<ServerPlace> {
  const addresses = await network.resolve(host.replace(/^\[(.*)\]$/, '$1')).catch(() => []);
  if (addresses.length === 0) return 'unclear';
  const own = new Set<string>();
  const bridged = new BlockList();
  for (const [name, entries = []] of Object.entries(network.interfaces)) {
    for (const { address, cidr } of entries) {
      own.add(address);
      const [net, bits] = cidr?.split('/') ?? [];
      if (BRIDGE.test(name) && net !== undefined) bridged.addSubnet(net, Number(bits), family(net));
    }
  }
  const isOwn = (address: string): boolean => own.has(address) || /^(127\.|::1$|::ffff:127\.)/.test(address);
  if (addresses.some(isOwn)) return 'here';
  const isUnclear = (address: string): boolean =>
    bridged.check(address, family(address)) ||
    // Inside a container the host's bridges cannot be seen, and its neighbours have private addresses.
    (network.isContainer && privateAddresses.check(address, family(address)));
  return addresses.some(isUnclear) ? 'unclear' : 'elsewhere';
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');
