import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { DeviceOpening } from '../../../linux/net/core/dev-open.js';
import { NetDevices } from '../../../linux/net/core/netdevices.js';
import { Rtnl } from '../../../linux/net/core/rtnl.js';
import { Ipv4Host } from '../../../linux/net/ipv4/host.js';
import { type Applet, type AppletContext, AppletUsageError, message } from './applet.js';
import { parseAddress } from './ping.js';

const IFF_UP = 1;

/** Flags of net devices that `ip` names, in its order (include/uapi/linux/if.h). */
const FLAGS = [
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x10, 'POINTOPOINT'],
  [0x1000, 'MULTICAST'],
  [0x80, 'NOARP'],
  [0x1, 'UP'],
] as const;
/** IF_OPER_UNKNOWN and so on (RFC 2863). */
const STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];

export const ipApplet: Applet = {
  name: 'ip',
  usage: 'ip link [show|list] [NAME] | ip link set NAME up|down | ip addr add|del ADDRESS/BITS dev NAME',
  summary: 'Lists network devices, turns them on and off, gives them addresses.',
  *run({ args, machine, io }) {
    const [object, command = 'show', ...rest] = args;
    if (object !== undefined && 'link'.startsWith(object) && command === 'set')
      return yield* setLink(machine.kernel, rest, io);
    if (object?.startsWith('a') && 'address'.startsWith(object) && /^(add|del)$/.test(command))
      return changeAddress(machine.kernel, command === 'add', rest, io);
    if (object === undefined || !'link'.startsWith(object) || !['show', 'list', 'ls', 'l'].includes(command))
      throw new AppletUsageError(`only link show is implemented, not '${args.join(' ')}'`);
    const name = rest.filter((word) => word !== 'dev')[0];
    const found = devicesOf(machine.kernel).filter((device) => name === undefined || device.name === name);
    for (const { index, name: shown, flags, mtu, state, address } of found)
      io.out(
        `${index}: ${shown}: <${flags}> mtu ${mtu} state ${state}\n${address === '' ? '' : `    link ${address}\n`}`,
      );
    if (name === undefined || found.length > 0) return 0;
    io.err(`Device "${name}" does not exist.\n`);
    return 1;
  },
};

type Errors = Pick<AppletContext['io'], 'err'>;

/** A device by its name, behind an optional word `dev`; 0, and a complaint, where there is none. */
function deviceNamed(k: LinuxKernel, name: string, io: Errors): Ptr {
  const dev = k.get(NetDevices).named(name);
  if (dev === 0) io.err(`Cannot find device "${name}"\n`);
  return dev;
}

/** \`ip link set NAME up|down\`, as RTM_NEWLINK does it. */
function* setLink(k: LinuxKernel, words: readonly string[], io: Errors): Sleepable<number> {
  const [name = '', state, ...more] = words.filter((word) => word !== 'dev');
  if ((state !== 'up' && state !== 'down') || more.length > 0)
    throw new AppletUsageError(`only up and down are implemented, not '${words.join(' ')}'`);
  const dev = deviceNamed(k, name, io);
  if (dev === 0) return 1;
  const opening = k.get(DeviceOpening).exports;
  const flags = opening.dev_get_flags(dev);
  const wanted = state === 'up' ? flags | IFF_UP : flags & ~IFF_UP;
  const error = yield* k.get(Rtnl).with(() => opening.dev_change_flags(dev, wanted));
  if (error >= 0) return 0;
  io.err(`RTNETLINK answers: ${message(error)}\n`);
  return 2;
}

/** \`ip addr add|del ADDRESS/BITS dev NAME\` */
function changeAddress(k: LinuxKernel, add: boolean, words: readonly string[], io: Errors): number {
  const [given = '', name = '', ...more] = words.filter((word) => word !== 'dev');
  const [text, bits = '32'] = given.split('/');
  const address = parseAddress(text);
  const prefix = Number(bits);
  if (address === undefined || !(prefix >= 0 && prefix <= 32) || more.length > 0)
    throw new AppletUsageError(`ADDRESS/BITS dev NAME is wanted, not '${words.join(' ')}'`);
  const dev = deviceNamed(k, name, io);
  if (dev === 0) return 1;
  const host = k.get(Ipv4Host);
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
      const bits = type.get(device, 'flags');
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
