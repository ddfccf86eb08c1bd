import { FormatError } from '../../../formats/format-error.js';
import type { ModuleFile } from '../../../formats/module-file.js';
import { block, type Effect, type Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode } from '../../../kernel/files/index.js';
import type {
  CallOutcome,
  InsertFlags,
  ListedModule,
  ModuleState,
  RunningKernel,
} from '../../../kmod/tools/tool.js';
import { ENOEXEC } from '../../../linux/errno.js';
import type { LoadedModule } from '../../../linux/kallsyms/loaded-module.js';
import { Modules } from '../../../linux/kallsyms/modules.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { NOT_FOUND_STATUS } from '../../shell/interpreter.js';
import { deleteModuleCall, finitModule } from '../module-calls.js';

const NS_PER_MS = 1e6;

/** Runs a command line in a machine's shell: its exit status. */
export type RunShell = (command: string, environment: Readonly<Record<string, string>>) => Sleepable<number>;

/** A machine's base kernel, as kmod's tools act on it. */
export class MachineKernel implements RunningKernel<Effect> {
  /** The last load or removal that the kernel refused. */
  failure: CallOutcome | undefined;
  /** For modprobe.d's install and remove lines; set by the machine's shell. */
  runShell: RunShell | undefined;

  constructor(private readonly k: LinuxKernel) {}

  list(): readonly ListedModule[] {
    return this.modules
      .listing()
      .map(({ name, size, refcnt, usedBy }) => ({ name, size, refcount: refcnt, holders: usedBy }));
  }

  state(name: string): ModuleState {
    // kmod looks for /sys/module/NAME, where a slash of the name is another character.
    if (name.includes('/')) return 'absent';
    const state = this.find(name)?.state;
    switch (state) {
      case 'Live':
        return 'live';
      case 'Unloading':
        return 'going';
      case 'Loading':
      case 'Unformed':
        return 'coming';
    }
    return this.k.files.node(`/sys/module/${name}`) instanceof DirectoryNode ? 'coming' : 'absent';
  }

  refcount(name: string): number | undefined {
    const module = this.find(name);
    return module && this.modules.refcount(module);
  }

  holders(name: string): readonly string[] {
    return (this.find(name)?.usedBy ?? []).map((user) => user.name);
  }

  *insert(file: ModuleFile, parameters: string, flags: InsertFlags = {}): Sleepable<CallOutcome> {
    try {
      void file.content;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.noted({ errno: ENOEXEC, why: error.message });
    }
    return this.noted(yield* finitModule(this.k, file, parameters, flags));
  }

  *remove(name: string, force: boolean): Sleepable<CallOutcome> {
    return this.noted(yield* deleteModuleCall(this.k, name, force));
  }

  *shell(command: string, environment: Readonly<Record<string, string>>): Sleepable<number> {
    return this.runShell ? yield* this.runShell(command, environment) : NOT_FOUND_STATUS;
  }

  *sleep(milliseconds: number): Sleepable<void> {
    const { clock, executor, scheduler } = this.k;
    const task = executor.current!;
    const end = clock.now + milliseconds * NS_PER_MS;
    clock.arm(end, () => scheduler.wake(task));
    while (clock.now < end) yield* block();
  }

  now(): number {
    return this.k.clock.now / NS_PER_MS;
  }

  private get modules(): Modules {
    return this.k.get(Modules);
  }

  private find(name: string): LoadedModule | undefined {
    return this.modules.find(name);
  }

  private noted(outcome: CallOutcome): CallOutcome {
    if (outcome.errno !== 0) this.failure = outcome;
    return outcome;
  }
}
