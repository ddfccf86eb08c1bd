import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { DeviceOpening } from '../../../linux/net/core/dev-open.js';
import { NetDevices } from '../../../linux/net/core/netdevices.js';
import { Rtnl } from '../../../linux/net/core/rtnl.js';
import { Ipv4Host } from '../../../linux/net/ipv4/host.js';
import { type Applet, type AppletContext, AppletUsageError } from './applet.js';
import { parseAddress } from './ping.js';

/** Flags of net devices that `ip` names, in its order (include/uapi/linux/if.h). */
const FLAGS = [
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x10, 'POINTOPOINT'],
  [0x1000, 'MULTICAST'],
  [0x80, 'NOARP'],
  [0x1, 'UP'],
  [0x1_0000, 'LOWER_UP'],
] as const;
/** IF_OPER_UNKNOWN and so on (RFC 2863). */
const STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];

/** Words of `ip link set` that turn flags on or off. */
const SWITCHES: Readonly<Record<string, string>> = {
  promisc: 'IFF_PROMISC',
  allmulticast: 'IFF_ALLMULTI',
  multicast: 'IFF_MULTICAST',
  arp: 'IFF_NOARP',
};

export const ipApplet: Applet = {
  name: 'ip',
  usage:
    'ip link [show|list] [NAME] | ip link set NAME [up|down|mtu N|promisc on|off|...] | ip addr add|del ADDRESS/BITS dev NAME',
  summary: 'Lists network devices, brings them up and down, gives them addresses.',
  *run(context) {
    const [object, command = 'show', ...rest] = context.args;
    const isLink = object !== undefined && 'link'.startsWith(object);
    if (isLink && 'set'.startsWith(command)) return yield* set(context, rest);
    if (isLink && ['show', 'list', 'ls', 'l'].includes(command)) return show(context, rest);
    if (object?.startsWith('a') && 'address'.startsWith(object) && /^(add|del)$/.test(command))
      return changeAddress(context, command === 'add', rest);
    throw new AppletUsageError(
      `only link show, link set and addr add|del are implemented, not '${context.args.join(' ')}'`,
    );
  },
};

function show({ machine, io }: AppletContext, words: readonly string[]): number {
  const name = words.filter((word) => word !== 'dev')[0];
  const found = devicesOf(machine.kernel).filter((device) => name === undefined || device.name === name);
  for (const { index, name: shown, flags, mtu, state, address } of found)
    io.out(
      `${index}: ${shown}: <${flags}> mtu ${mtu} state ${state}\n${address === '' ? '' : `    link ${address}\n`}`,
    );
  if (name === undefined || found.length > 0) return 0;
  io.err(`Device "${name}" does not exist.\n`);
  return 1;
}

/** What is to become of a device: its flags, or its MTU. */
interface Wishes {
  on: number;
  off: number;
  mtu?: number;
}

function* set(context: AppletContext, given: readonly string[]): Sleepable<number> {
  const { machine, io } = context;
  const k = machine.kernel;
  const words = given[0] === 'dev' ? given.slice(1) : given;
  const [name, ...rest] = words;
  if (name === undefined) throw new AppletUsageError('link set: which device?');
  const wishes = wishesOf(k, rest);
  const dev = k.get(NetDevices).named(name);
  if (dev === 0) {
    io.err(`Cannot find device "${name}"\n`);
    return 1;
  }
  const error = yield* k.get(Rtnl).with(() => apply(k, dev, wishes));
  if (error === 0) return 0;
  io.err(`RTNETLINK answers: ${context.message(error)}\n`);
  return 2;
}

function wishesOf(k: LinuxKernel, words: readonly string[]): Wishes {
  const wishes: Wishes = { on: 0, off: 0 };
  const up = k.enumValue('IFF_UP');
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === 'up') wishes.on |= up;
    else if (word === 'down') wishes.off |= up;
    else if (word === 'mtu') wishes.mtu = numberOf(words[++i]);
    else if (SWITCHES[word]) {
      const bit = k.enumValue(SWITCHES[word]);
      const value = words[++i];
      if (value !== 'on' && value !== 'off') throw new AppletUsageError(`${word}: neither on nor off`);
      // ARP is off where its flag is set.
      if ((value === 'on') !== (word === 'arp')) wishes.on |= bit;
      else wishes.off |= bit;
    } else throw new AppletUsageError(`link set: '${word}' is not implemented`);
  }
  return wishes;
}

function numberOf(word: string | undefined): number {
  if (word === undefined || !/^\d+$/.test(word)) throw new AppletUsageError(`'${word ?? ''}' is no number`);
  return Number(word);
}

function* apply(k: LinuxKernel, dev: Ptr, { on, off, mtu }: Wishes): Sleepable<number> {
  const { dev_set_mtu, dev_change_flags, dev_get_flags } = k.get(DeviceOpening).exports;
  if (mtu !== undefined) {
    const error = yield* dev_set_mtu(dev, mtu);
    if (error) return error;
  }
  return on || off ? yield* dev_change_flags(dev, (dev_get_flags(dev) | on) & ~off) : 0;
}

/** `ip addr add|del ADDRESS/BITS dev NAME` */
function changeAddress({ machine, io }: AppletContext, add: boolean, words: readonly string[]): number {
  const [given = '', name = '', ...more] = words.filter((word) => word !== 'dev');
  const [text, bits = '32'] = given.split('/');
  const address = parseAddress(text);
  const prefix = Number(bits);
  if (address === undefined || !(prefix >= 0 && prefix <= 32) || more.length > 0)
    throw new AppletUsageError(`ADDRESS/BITS dev NAME is wanted, not '${words.join(' ')}'`);
  const dev = machine.kernel.get(NetDevices).named(name);
  if (dev === 0) {
    io.err(`Cannot find device "${name}"\n`);
    return 1;
  }
  const host = machine.kernel.get(Ipv4Host);
  if (add) host.add({ dev, address, prefix });
  else if (!host.remove(dev, address)) {
    io.err('RTNETLINK answers: Cannot assign requested address\n');
    return 2;
  }
  return 0;
}

interface NetDevice {
  readonly index: number;
  readonly name: string;
  readonly flags: string;
  readonly mtu: number;
  readonly state: string;
  readonly address: string;
}

function devicesOf(k: LinuxKernel): NetDevice[] {
  const type = k.struct('net_device');
  return k
    .get(NetDevices)
    .all()
    .map((device) => {
      const bits = k.get(DeviceOpening).flags(device);
      const size = Math.min(32, type.get(device, 'addr_len'));
      const from = type.get(device, 'dev_addr');
      const bytes = from === 0 ? [] : [...k.space.bytes.subarray(from, from + size)];
      return {
        index: type.get(device, 'ifindex'),
        name: type.text(device, 'name'),
        flags: FLAGS.filter(([bit]) => bits & bit)
          .map(([, text]) => text)
          .join(','),
        mtu: type.get(device, 'mtu'),
        state: STATES[type.get(device, 'operstate')] ?? 'UNKNOWN',
        address: bytes.length === 0 ? '' : bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
      };
    })
    .sort((a, b) => a.index - b.index);
}
