import type { Ptr } from '../../../cpu/layout.js';
import { ProcFs } from '../../fs/proc/procfs.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { NetDevices } from './netdevices.js';

const NET_DEV_HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

/** Members of rtnl_link_stats64 in each column of /proc/net/dev: those of a column are added up. */
const NET_DEV_COLUMNS: readonly (readonly [members: readonly string[], width: number])[] = [
  [['rx_bytes'], 7],
  [['rx_packets'], 7],
  [['rx_errors'], 4],
  [['rx_dropped', 'rx_missed_errors'], 4],
  [['rx_fifo_errors'], 4],
  [['rx_length_errors', 'rx_over_errors', 'rx_crc_errors', 'rx_frame_errors'], 5],
  [['rx_compressed'], 10],
  [['multicast'], 9],
  [['tx_bytes'], 8],
  [['tx_packets'], 7],
  [['tx_errors'], 4],
  [['tx_dropped'], 4],
  [['tx_fifo_errors'], 4],
  [['collisions'], 5],
  [['tx_carrier_errors', 'tx_aborted_errors', 'tx_window_errors', 'tx_heartbeat_errors'], 7],
  [['tx_compressed'], 10],
];

/** /proc/net/dev (net/core/net-procfs.c). */
export class NetProcFiles implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.k.get(ProcFs).addText('net/dev', { text: () => this.netDevices() });
  }

  /** dev_seq_show(); statistics are those that the device keeps itself. */
  private netDevices(): string {
    const { k } = this;
    if (!k.hasSymbol('init_net')) return NET_DEV_HEAD;
    const devices = k.get(NetDevices);
    const lines = devices.all().map((dev) => {
      const counts = NET_DEV_COLUMNS.map(([members, width]) => {
        const sum = members.reduce((total, member) => total + this.statistic(dev, member), 0n);
        return String(sum).padStart(width);
      });
      return `${devices.name(dev).padStart(6)}: ${counts.join(' ')}\n`;
    });
    return NET_DEV_HEAD + lines.join('');
  }

  private statistic(dev: Ptr, member: string): bigint {
    const { k } = this;
    const stats = k.struct('net_device_stats');
    if (!stats.has(member)) return 0n;
    return k.space.load64(stats.addr(k.struct('net_device').addr(dev, 'stats'), member));
  }
}
