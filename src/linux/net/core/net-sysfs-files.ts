import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { COUNTERS, DeviceStatistics } from './dev-stats.js';
import { linkState } from './link-state.js';

/** Operational states by their numbers (RFC 2863). */
const OPERSTATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];
const MODES = ['default', 'dormant', 'testing'];
/** Numbers that a device shows as its struct has them. */
const NUMBERS = ['ifindex', 'mtu', 'tx_queue_len', 'type', 'addr_len', 'addr_assign_type', 'dev_port'];

/** What a network device shows of itself in its directory (Documentation/ABI/testing/sysfs-class-net). */
export function addNetFiles(k: LinuxKernel, dev: Ptr, directory: SysfsDirectory): void {
  const type = k.struct('net_device');
  const sysfs = k.get(Sysfs);
  const show = (name: string, text: () => string): void =>
    void sysfs.addText(directory, name, 0o444, () => `${text()}\n`);
  for (const name of NUMBERS.filter((member) => type.has(member)))
    show(name, () => String(type.get(dev, name)));
  show('flags', () => `0x${type.get(dev, 'flags').toString(16)}`);
  show('address', () => hardwareAddress(k, type.get(dev, 'dev_addr'), type.get(dev, 'addr_len')));
  show('broadcast', () => hardwareAddress(k, type.addr(dev, 'broadcast'), type.get(dev, 'addr_len')));
  show('link_mode', () => MODES[type.get(dev, 'link_mode')] ?? String(type.get(dev, 'link_mode')));
  const isRunning = (): boolean => linkState(k, dev, '__LINK_STATE_START');
  show('operstate', () => OPERSTATES[isRunning() ? type.get(dev, 'operstate') : 2] ?? 'unknown');
  // A device that is down knows nothing of its carrier.
  // biome-ignore lint/correctness/useYield: an error can come from a generator alone
  sysfs.addText(directory, 'carrier', 0o644, function* (): Sleepable<string | number> {
    return isRunning() ? `${Number(!linkState(k, dev, '__LINK_STATE_NOCARRIER'))}\n` : -EINVAL;
  });
  addCounters(k, dev, directory);
}

function addCounters(k: LinuxKernel, dev: Ptr, directory: SysfsDirectory): void {
  const statistics = new SysfsDirectory('statistics', directory, directory.kobj);
  const sysfs = k.get(Sysfs);
  sysfs.add(statistics, directory);
  for (const name of COUNTERS)
    sysfs.addText(statistics, name, 0o444, function* (): Sleepable<string> {
      return `${yield* k.get(DeviceStatistics).counter(dev, name)}\n`;
    });
}

function hardwareAddress(k: LinuxKernel, at: Ptr, bytes: number): string {
  if (at === 0) return '';
  return [...k.space.readable(at, bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
