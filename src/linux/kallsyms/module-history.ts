import type { Ptr } from '../../cpu/layout.js';
import { CodeHistory } from '../../kernel/modules/code-history.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { LoadedModule } from './loaded-module.js';
import { Modules } from './modules.js';
import { symbolAt, symbolize } from './symbolize.js';

/** Remembers where modules and their init code were, so that what they did can be named after that memory is gone. */
export class ModuleHistory implements Subsystem {
  readonly exports = {};
  private readonly history: CodeHistory;

  constructor(private readonly k: LinuxKernel) {
    this.history = new CodeHistory({
      moduleAt: (address) => symbolAt(k, address)?.module,
      symbolize: (address) => symbolize(k, address),
    });
  }

  boot(): void {
    const { history } = this;
    this.k.get(Modules).listen({
      published: (module) =>
        history.remember({
          name: module.name,
          ranges: [...module.memory],
          symbols: module.symbolList(),
          mark: module.ledgerMark,
        }),
      removed: (module) => history.forget(module.name),
    });
  }

  /** Whether code at an address was the module's, its init code included, when allocation number `serial` was made. */
  wasIn({ name, ledgerMark: mark }: LoadedModule, address: Ptr, serial: number): boolean {
    return this.history.wasIn({ name, mark }, address, serial);
  }

  /** See CodeHistory. */
  moduleName(address: Ptr, serial: number): string | undefined {
    return this.history.moduleName(address, serial);
  }

  /** See CodeHistory. */
  goneOwner(address: Ptr, serial: number): string | undefined {
    return this.history.goneOwner(address, serial);
  }

  /** `name+0x12/0x40 [module]`, also for modules that are gone. */
  symbolize(address: Ptr, serial?: number): string {
    return this.history.symbolize(address, serial);
  }
}
