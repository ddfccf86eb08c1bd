import { ModuleFile } from '../../formats/module-file.js';
import type { LoadedModule } from '../../linux/kallsyms/loaded-module.js';
import { Modules } from '../../linux/kallsyms/modules.js';
import { linkModule, parseModule } from '../../linux/module/loader.js';
import type { Machine } from '../../machine/linux/machine.js';

/** What a module would occupy, as lsmod shows it once its init has run. */
export interface Linked {
  readonly name: string;
  readonly coreBytes: number;
}

/**
 * Links modules (symbols, relocations, layout, patch sites) without running their code, and takes them out
 * again. What they depend on stays linked as long as it fits, for the next that need it.
 */
export class Linker {
  private readonly linked = new Map<string, LoadedModule>();

  constructor(private readonly machine: Machine) {}

  /** Links a module and what it depends on. Throws LoadError where that fails. */
  link(name: string): Linked {
    const { index } = this.machine.tree;
    const entry = index.module(name);
    if (!entry) throw new Error(`the tree has no module ${name}`);
    for (const dependency of entry.dependencies) this.one(dependency);
    const module = this.one(name);
    const coreBytes = module.memory.filter((part) => !part.init).reduce((sum, part) => sum + part.size, 0);
    return { name: module.name, coreBytes };
  }

  /** Takes everything out. */
  clear(): void {
    for (const module of [...this.linked.values()].reverse()) this.take(module);
    this.linked.clear();
  }

  private one(name: string): LoadedModule {
    const known = this.linked.get(name);
    if (known) return known;
    const { kernel, tree } = this.machine;
    const modules = kernel.get(Modules);
    const entry = tree.index.module(name);
    const bytes = entry && tree.read(entry);
    if (!entry || !bytes) throw new Error(`the tree has no module ${name}`);
    const module = parseModule(kernel, new ModuleFile(entry.path, bytes), bytes.length);
    modules.add(module);
    try {
      linkModule(kernel, module);
    } catch (error) {
      this.take(module);
      throw error;
    }
    module.state = 'Live';
    this.linked.set(name, module);
    return module;
  }

  /** What free_module() does, without telling anybody. */
  private take(module: LoadedModule): void {
    const { kernel } = this.machine;
    kernel.get(Modules).remove(module);
    for (const owner of module.uses) owner.usedBy.splice(owner.usedBy.indexOf(module), 1);
    module.uses.clear();
    if (module.percpu) kernel.percpu.free(module.percpu.offset);
    for (const part of module.memory) kernel.moduleMemory.free(part.base);
    module.memory = [];
  }

  /** Takes out everything but some modules, when there are many. */
  trim(limit: number): void {
    if (this.linked.size > limit) this.clear();
  }
}
