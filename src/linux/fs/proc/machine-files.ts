import type { Ptr } from '../../../cpu/layout.js';
import { SymlinkNode } from '../../../kernel/files/index.js';
import type { Task } from '../../../kernel/task/task.js';
import { Resources } from '../../drivers/resource/resource.js';
import { interruptsText } from '../../irq/proc.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { TextServer } from '../text-server.js';
import { ProcDirectory, ProcFile } from './node.js';
import { ProcFs } from './procfs.js';

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
      interrupts: () => interruptsText(k),
      kallsyms: () => this.kallsyms(),
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
}
