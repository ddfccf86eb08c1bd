import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MiscDevices } from '../devices/misc.js';
import { FileSystems } from '../file-systems.js';
import { TextServer } from '../text-server.js';
import { ProcFile } from './node.js';
import { ProcFs } from './procfs.js';
import { Sysctl } from './sysctl.js';

const PAGE_KIB = 4;

/** The kernel's own files in /proc (Documentation/filesystems/proc.rst). */
export class KernelProcFiles implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const proc = k.get(ProcFs);
    const files: Readonly<Record<string, () => string>> = {
      modules: () => this.modules(),
      misc: () => k.get(MiscDevices).text(),
      filesystems: () => k.get(FileSystems).text(),
      cmdline: () => `${k.cmdline}\n`,
      version: () => `${k.target.banner}\n`,
      uptime: () => {
        const seconds = (k.clock.now / 1e9).toFixed(2);
        return `${seconds} ${seconds}\n`;
      },
      meminfo: () => this.meminfo(),
      mounts: () => this.mounts(),
      cpuinfo: () => CPU_INFO,
      loadavg: () => `0.00 0.00 0.00 1/${k.scheduler.tasks.size} 0\n`,
      stat: () => `cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n`,
    };
    for (const [name, text] of Object.entries(files)) proc.addText(name, { text });
    proc.addDirectory('driver');
    proc.addDirectory('fs/nfsd');
    proc.addDirectory('bus');
    proc.addDirectory('tty/driver');
    this.net(proc);
    this.sysctls();
  }

  /** /proc/net, which network code finds through init_net. */
  private net(proc: ProcFs): void {
    const { k } = this;
    const net = proc.addDirectory('net');
    const stat = proc.addDirectory('net/stat');
    if (!k.hasSymbol('init_net')) return;
    const type = k.struct('net');
    type.set(k.symbol('init_net'), 'proc_net', net.entry);
    type.set(k.symbol('init_net'), 'proc_net_stat', stat.entry);
  }

  private sysctls(): void {
    const { k } = this;
    const kernel = k.get(Sysctl).directory(['kernel']);
    const file = (name: string, text: () => string): void => {
      const opener = () => new TextServer(k, { text });
      kernel.attach(name, new ProcFile(name, 0o444, k.get(ProcFs).root, 0, opener));
    };
    file('ostype', () => 'Linux\n');
    file('osrelease', () => `${k.target.release}\n`);
    file('version', () => `${/#.*$/.exec(k.target.banner)?.[0] ?? ''}\n`);
    file('hostname', () => '(none)\n');
    file('modprobe', () => `${k.target.config.get('CONFIG_MODPROBE_PATH') ?? '/sbin/modprobe'}\n`);
    file('printk', () => '7\t4\t1\t7\n');
  }

  /** One line a module; addresses as a reader with CAP_SYSLOG sees them. */
  private modules(): string {
    const { k } = this;
    return k
      .get(Modules)
      .listing()
      .map((module) => {
        const used = module.usedBy.map((name) => `${name},`).join('');
        const users = `${used}${module.permanent ? '[permanent],' : ''}` || '-';
        const loaded = k.get(Modules).find(module.name);
        const core = loaded?.memory.find((memory) => !memory.init);
        const address = core ? k.space.toAddress(core.base).toString(16).padStart(16, '0') : '0'.repeat(16);
        const flags = loaded?.flagLetters() ?? '';
        const taints = flags === '' ? '' : ` ${flags}`;
        return `${module.name} ${module.size} ${module.refcnt} ${users} ${module.state} 0x${address}${taints}\n`;
      })
      .join('');
  }

  private meminfo(): string {
    const free = Math.floor(this.k.pages.available / 1024);
    const total = free + Math.ceil(this.k.ledger.bytes / 1024 / PAGE_KIB) * PAGE_KIB;
    const line = (name: string, kib: number): string =>
      `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`;
    return line('MemTotal', total) + line('MemFree', free) + line('MemAvailable', free);
  }

  private mounts(): string {
    const mounts = this.k.files.mounts.map(
      ({ source, target, type, options }) => `${source} ${target} ${type} ${options} 0 0\n`,
    );
    return `rootfs / rootfs rw 0 0\n${mounts.join('')}`;
  }
}

const CPU_INFO = `processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 0
model name\t: modbox virtual CPU
stepping\t: 0

`;
