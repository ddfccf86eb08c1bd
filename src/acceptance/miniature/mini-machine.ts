import type { Ptr } from '../../cpu/layout.js';
import type { Fault } from '../../kernel/probes.js';
import { BaseMachine, type ModuleEvent, type Stuck } from '../../machine/base-machine.js';
import type { SystemError } from '../../machine/errors.js';
import { groupedLeaks, type Leak } from '../../machine/leaks.js';
import { SIGKILL_STATUS } from '../../machine/processes.js';
import type { ReportedFault } from '../../machine/reported-fault.js';
import { MiniKernel, type MiniReport, STATUS } from './mini-kernel.js';

/** A machine of the miniature: what a system has to say so that the shared machine runs it. */
export class MiniMachine extends BaseMachine<MiniKernel> {
  constructor() {
    const kernel = new MiniKernel();
    super(kernel, {
      create: (name, body) => kernel.scheduler.spawn(name, body),
      onExit: (listener) => kernel.onExit(listener),
      statusOfKilled: () => SIGKILL_STATUS,
    });
  }

  faults(from = 0): readonly ReportedFault[] {
    return this.kernel.reports.slice(from).map(faultOf);
  }

  leaks(): readonly Leak[] {
    return groupedLeaks(this.kernel.left, ({ caller }) => `0x${caller.toString(16)}`);
  }

  /** `MODULE.start`, `MODULE.stop`: nothing else of a module has a name. */
  protected functionNamed(text: string): Ptr | undefined {
    const [name, entry] = text.split('.');
    const module = this.kernel.modules.find((loaded) => loaded.name === name);
    if (!module || (entry !== 'start' && entry !== 'stop')) return undefined;
    return module.base + module[entry];
  }

  protected onModule(listener: (event: ModuleEvent) => void): () => void {
    return this.kernel.onModule(listener);
  }

  protected reported({ message, module }: Fault): ReportedFault {
    return faultOf({ what: message, module, offset: -1 });
  }

  protected reportStuck({ kind, task }: Stuck): void {
    this.kernel.reports.push({ what: kind, module: task?.name ?? '', offset: -1 });
  }

  protected systemError(name: string): SystemError | undefined {
    return name === 'ENOMEM' ? { name: 'NO_MEMORY', number: STATUS.NO_MEMORY, text: 'no memory' } : undefined;
  }
}

function faultOf({ what, module, offset }: MiniReport): ReportedFault {
  const at = offset < 0 ? '' : `${module}+0x${offset.toString(16)}`;
  return { kind: 'fault', message: what, address: '', at, module, registers: {}, trace: [] };
}
