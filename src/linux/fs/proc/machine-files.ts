import type { Ptr } from '../../../cpu/layout.js';
import { SymlinkNode } from '../../../kernel/files/index.js';
import type { Task } from '../../../kernel/task/task.js';
import { Disks } from '../../block/disk.js';
import { procCrypto } from '../../crypto/proc-file.js';
import { Resources } from '../../drivers/resource/resource.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { Modules } from '../../kallsyms/modules.js';
import { NetDevices } from '../../net/core/netdevices.js';
import type { Subsystem } from '../../subsystem.js';
import { TextServer } from '../text-server.js';
import { ProcDirectory, ProcFile } from './node.js';
import { ProcFs } from './procfs.js';

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

/** What /proc says of the machine and of the processes on it, as a bare one has it. */
export class MachineProcFiles implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const proc = k.get(ProcFs);
    const files: Readonly<Record<string, () => string>> = {
      iomem: () => this.resources('iomem_resource', 8),
      ioports: () => this.resources('ioport_resource', 4),
      interrupts: () => k.get(Interrupts).text(),
      partitions: () => this.partitions(),
      crypto: () => procCrypto(k),
      kallsyms: () => this.kallsyms(),
      'net/dev': () => this.netDevices(),
    };
    for (const [name, text] of Object.entries(files)) proc.addText(name, { text });
    proc.root.attach('self', new SymlinkNode(() => String(this.currentPid())));
    proc.root.passing = {
      names: () => ['1', ...this.tasks().keys()].sort((a, b) => Number(a) - Number(b)),
      lookup: (name) => {
        if (name === '1') return this.process(name, 'init');
        const task = this.tasks().get(name);
        return task && this.process(name, k.struct('task_struct').text(task.object, 'comm'));
      },
    };
  }

  /** The tasks there are, by PID. */
  private tasks(): Map<string, Task> {
    const { scheduler, processes } = this.k;
    const found = [...scheduler.tasks].filter((task) => task.object !== 0 && !task.ended);
    return new Map(found.map((task) => [String(processes.pid(task)), task]));
  }

  private currentPid(): number {
    const task = this.k.executor.current;
    return task ? this.k.processes.pid(task) : 1;
  }

  /** The directory of a process. */
  private process(pid: string, comm: string): ProcDirectory {
    const { k } = this;
    const { root } = k.get(ProcFs);
    const folder = new ProcDirectory(pid, 0o555, root, 0);
    const file = (name: string, text: string): void => {
      folder.attach(
        name,
        new ProcFile(name, 0o444, folder, 0, () => new TextServer(k, { text: () => text })),
      );
    };
    file('comm', `${comm}\n`);
    file('cmdline', `${comm}\0`);
    file('status', `Name:\t${comm}\nState:\tS (sleeping)\nTgid:\t${pid}\nPid:\t${pid}\nPPid:\t0\n`);
    return folder;
  }

  /** r_show() of kernel/resource.c. */
  private resources(root: string, digits: number): string {
    const { k } = this;
    const resources = k.get(Resources);
    const type = k.struct('resource');
    const lines = (parent: Ptr, depth: number): string =>
      resources
        .children(parent)
        .map((at) => {
          const [start, end] = ['start', 'end'].map((member) =>
            type.getBig(at, member).toString(16).padStart(digits, '0'),
          );
          const name = type.get(at, 'name') === 0 ? '<BAD>' : type.string(at, 'name');
          return `${'  '.repeat(depth)}${start}-${end} : ${name}\n${lines(at, depth + 1)}`;
        })
        .join('');
    return lines(k.symbol(root), 0);
  }

  /** Disks and the partitions of each: none of them before a driver has brought one. */
  private partitions(): string {
    const { k } = this;
    const head = 'major minor  #blocks  name\n\n';
    const disks = k.struct('gendisk');
    const lines: string[] = [];
    for (const disk of k.get(Disks).list()) {
      const sectors = k.struct('block_device').getBig(disks.get(disk, 'part0'), 'bd_nr_sectors');
      if (sectors === 0n) continue;
      const number = [disks.get(disk, 'major'), disks.get(disk, 'first_minor')].map((part) => String(part));
      const blocks = String(sectors >> 1n).padStart(10);
      lines.push(
        `${number[0].padStart(4)}  ${number[1].padStart(7)} ${blocks} ${disks.text(disk, 'disk_name')}\n`,
      );
    }
    return lines.length === 0 ? '' : head + lines.join('');
  }

  /** The symbols of the kernel, then those of each module, as a reader with CAP_SYSLOG sees them. */
  private kallsyms(): string {
    const { k } = this;
    const parts: string[] = [];
    for (const { address, type, name } of k.target.symbols.all())
      parts.push(`${address.toString(16).padStart(16, '0')} ${type} ${name}\n`);
    for (const module of k.get(Modules).list())
      for (const symbol of module.symbolList()) {
        const address = k.space.toAddress(symbol.address).toString(16).padStart(16, '0');
        const letter = module.exports.has(symbol.name) ? symbol.letter.toUpperCase() : symbol.letter;
        parts.push(`${address} ${letter} ${symbol.name}\t[${module.name}]\n`);
      }
    return parts.join('');
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
