import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TASK_INTERRUPTIBLE } from '../abi/task-state.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';

/** Those who are told of modules that come and go, and those who wait for one (kernel/module/main.c). */
export class ModuleNotifier implements Subsystem {
  /** Who waits for a module to be live or gone (module_wq). */
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    register_module_notifier: (block: Ptr) => this.k.get(Notifiers).register(this.chain, block),
    unregister_module_notifier: (block: Ptr) => this.k.get(Notifiers).unregister(this.chain, block),
  };

  boot(): void {
    const wake = (): void => this.waiters.wakeAll(0);
    this.k.get(Modules).listen({ wentLive: wake, removed: wake });
  }

  *notify(module: LoadedModule, state: string): Sleepable<void> {
    yield* this.k.get(Notifiers).callChain(this.chain, this.k.enumValue(state), module.struct);
  }

  /** Waits until no module of that name is on its way in (finished_loading()). */
  *untilFinished(name: string): Sleepable<void> {
    const modules = this.k.get(Modules);
    const comes = (): boolean => {
      const state = modules.find(name)?.state;
      return state === 'Unformed' || state === 'Loading';
    };
    while (comes()) yield* this.waiters.wait(0, TASK_INTERRUPTIBLE);
  }

  readonly keeps = ['module_notify_list'];

  private get chain(): Ptr {
    return this.k.symbol('module_notify_list');
  }
}
