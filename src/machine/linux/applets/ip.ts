import type { LinuxKernel } from '../../../linux/kernel.js';
import { NetDevices } from '../../../linux/net/core/netdevices.js';
import { type Applet, AppletUsageError } from './applet.js';

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
  usage: 'ip link [show|list] [NAME]',
  summary: 'Lists network devices.',
  *run({ args, machine, io }) {
    const [object, command = 'show', ...rest] = args;
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
