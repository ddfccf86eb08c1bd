import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { kobjOf } from '../../drivers/base/device.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceOpening } from './dev-open.js';
import { DeviceStatistics } from './dev-stats.js';
import { linkState } from './link-state.js';
import { Rtnl } from './rtnl.js';

/** Operational states by number (RFC 2863). */
const STATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];

/** The counters of statistics/ (Documentation/ABI/testing/sysfs-class-net-statistics). */
const COUNTERS =
  `collisions multicast rx_bytes rx_compressed rx_crc_errors rx_dropped rx_errors rx_fifo_errors rx_frame_errors rx_length_errors rx_missed_errors
rx_nohandler rx_over_errors rx_packets tx_aborted_errors tx_bytes tx_carrier_errors tx_compressed tx_dropped tx_errors tx_fifo_errors tx_heartbeat_errors tx_packets
tx_window_errors`.split(/\s+/);

/** Members that are shown as they are: decimal, or hexadecimal where that is usual. */
const PLAIN: readonly (readonly [file: string, member: string, base: 10 | 16])[] = [
  ['addr_assign_type', 'addr_assign_type', 10],
  ['addr_len', 'addr_len', 10],
  ['dev_id', 'dev_id', 16],
  ['dev_port', 'dev_port', 10],
  ['ifindex', 'ifindex', 10],
  ['link_mode', 'link_mode', 10],
  ['netdev_group', 'group', 10],
  ['tx_queue_len', 'tx_queue_len', 10],
  ['type', 'type', 10],
];

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}\n`;

/** What the directory of a network device in sysfs shows (net/core/net-sysfs.c, Documentation/ABI/testing/sysfs-class-net). */
export class NetAttributes implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** Adds the files of a device that has just been added. Those of queues are not there. */
  add(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    const kobj = kobjOf(k, type.addr(dev, 'dev'));
    const sysfs = k.get(Sysfs);
    const directory = sysfs.directoryOf(kobj);
    if (!directory) return;
    const show = (name: string, text: () => string | number): void =>
      void sysfs.addText(directory, name, 0o444, text);
    for (const [file, member, base] of PLAIN)
      if (type.has(member))
        show(file, () => (base === 16 ? hex(type.get(dev, member)) : `${type.get(dev, member)}\n`));
    show('address', () => `${this.bytes(type.get(dev, 'dev_addr'), type.get(dev, 'addr_len'))}\n`);
    show('broadcast', () => `${this.bytes(type.addr(dev, 'broadcast'), type.get(dev, 'addr_len'))}\n`);
    show(
      'operstate',
      () => `${this.isUp(dev) ? (STATES[type.get(dev, 'operstate')] ?? 'unknown') : 'down'}\n`,
    );
    show('carrier', () =>
      this.whileUp(dev, () => `${Number(!linkState(k, dev, '__LINK_STATE_NOCARRIER'))}\n`),
    );
    show('dormant', () => this.whileUp(dev, () => `${Number(linkState(k, dev, '__LINK_STATE_DORMANT'))}\n`));
    show('testing', () => this.whileUp(dev, () => `${Number(linkState(k, dev, '__LINK_STATE_TESTING'))}\n`));
    show('carrier_up_count', () => `${this.count(dev, 'carrier_up_count')}\n`);
    show('carrier_down_count', () => `${this.count(dev, 'carrier_down_count')}\n`);
    show(
      'carrier_changes',
      () => `${this.count(dev, 'carrier_up_count') + this.count(dev, 'carrier_down_count')}\n`,
    );
    this.addChangeable(dev, directory);
    this.addStatistics(dev, directory, kobj);
  }

  private addChangeable(dev: Ptr, directory: SysfsDirectory): void {
    const { k } = this;
    const type = k.struct('net_device');
    const sysfs = k.get(Sysfs);
    const { dev_set_mtu, dev_change_flags } = k.get(DeviceOpening).exports;
    sysfs.addText(
      directory,
      'mtu',
      0o644,
      () => `${type.get(dev, 'mtu')}\n`,
      (text) => this.change(text, (value) => dev_set_mtu(dev, value)),
    );
    sysfs.addText(
      directory,
      'flags',
      0o644,
      () => hex(type.get(dev, 'flags')),
      (text) => this.change(text, (value) => dev_change_flags(dev, value)),
    );
  }

  private addStatistics(dev: Ptr, directory: SysfsDirectory, kobj: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const statistics = new SysfsDirectory('statistics', directory, kobj);
    sysfs.add(statistics, directory);
    for (const name of COUNTERS)
      sysfs.addText(statistics, name, 0o444, function* () {
        return `${yield* k.get(DeviceStatistics).counter(dev, name)}\n`;
      });
  }

  /** A number that is written, under the RTNL. */
  private *change(text: string, set: (value: number) => Sleepable<number>): Sleepable<number> {
    const value = Number(text.trim());
    if (text.trim() === '' || !Number.isInteger(value)) return -EINVAL;
    return yield* this.k.get(Rtnl).with(() => set(value));
  }

  private isUp(dev: Ptr): boolean {
    return linkState(this.k, dev, '__LINK_STATE_START');
  }

  private whileUp(dev: Ptr, text: () => string): string | number {
    return this.isUp(dev) ? text() : -EINVAL;
  }

  private count(dev: Ptr, member: string): number {
    return this.k.struct('net_device').get(dev, `${member}.counter`);
  }

  private bytes(at: Ptr, count: number): string {
    const bytes = at === 0 ? [] : [...this.k.space.readable(at, count)];
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }
}
