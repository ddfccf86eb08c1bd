import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import { list } from '../abi/list.js';
import { listedStructs, type Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Once, warn } from '../warn.js';
import type { LoadedModule, ModuleState } from './loaded-module.js';
import type { SymbolAt } from './symbolize.js';
import type { TaintName } from './taint.js';

/** The reference that a module holds on itself while it may be used (MODULE_REF_BASE). */
const MODULE_REF_BASE = 1;

const STATES: Readonly<Record<ModuleState, string>> = {
  Live: 'MODULE_STATE_LIVE',
  Loading: 'MODULE_STATE_COMING',
  Unloading: 'MODULE_STATE_GOING',
  Unformed: 'MODULE_STATE_UNFORMED',
};

/** One line of /proc/modules. */
export interface ModuleListing {
  readonly name: string;
  readonly size: number;
  readonly refcnt: number;
  readonly usedBy: readonly string[];
  readonly permanent: boolean;
  readonly state: ModuleState;
  readonly taints: string;
}

/** What a machine wants to know of modules coming and going. */
interface ModuleListener {
  published?(module: LoadedModule): void;
  wentLive?(module: LoadedModule): void;
  removed?(module: LoadedModule): void;
}

/** The list of modules, whose addresses are whose, and reference counts (kernel/module/main.c). Loading is src/linux/module's. */
export class Modules implements Subsystem {
  /** Newest first, as /proc/modules lists them. */
  private readonly modules: LoadedModule[] = [];
  private readonly listeners = new Set<ModuleListener>();
  /** Finds and loads modules by name or alias on behalf of the kernel (request_module); set by the machine. */
  requestModule: ((name: string) => Sleepable<number>) | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    try_module_get: (struct: Ptr) => this.tryGet(struct),
    __module_get: (struct: Ptr) => this.getStruct(struct),
    module_put: (struct: Ptr) => this.putStruct(struct),
    module_refcount: (struct: Ptr) => this.k.struct('module').get(struct, 'refcnt.counter') - MODULE_REF_BASE,
    __module_address: (address: Ptr) => this.moduleAt(address)?.struct ?? 0,
    __symbol_get: (name: Ptr) => this.symbolGet(this.k.space.cstring(name)),
    symbol_put_addr: (address: Ptr) => this.symbolPut(address),
    __symbol_put: (name: Ptr) => {
      const found = this.exporter(this.k.space.cstring(name));
      if (found) this.addReference(found.struct, -1);
    },
  };

  readonly signatures = {
    __module_address: 'p:p',
  };

  boot(): void {
    list.init(this.k.space, this.head);
  }

  listen(listener: ModuleListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  list(): readonly LoadedModule[] {
    return this.modules;
  }

  /** find_module(): of those that are in the kernel's list. */
  find(name: string): LoadedModule | undefined {
    const wanted = name.replaceAll('-', '_');
    return this.modules.find(
      (module) => module.name.replaceAll('-', '_') === wanted && !this.isHidden(module),
    );
  }

  /** Whether the module took itself out of the kernel's list: it is there, and nobody finds it. */
  isHidden(module: LoadedModule): boolean {
    if (module.struct === 0 || !module.listed) return false;
    for (const struct of listedStructs(this.k, 'module', 'list', this.head))
      if (struct === module.struct) return false;
    return true;
  }

  /** Reports every module that took itself out of the list, once. */
  reportHidden(): void {
    for (const module of this.modules) {
      if (!this.isHidden(module) || this.hidden.has(module)) continue;
      this.hidden.add(module);
      const message = `modbox: ${module.name} took itself out of the list of modules: nobody can see or remove it`;
      const address = this.k.space.toAddress(module.struct);
      this.k.traps.record(undefined, module.struct, 'hidden-module', message, address, [], module.name);
    }
  }

  private readonly hidden = new WeakSet<LoadedModule>();

  /** The variable `modules`, which heads the list. */
  private get head(): Ptr {
    return this.k.variable('modules', this.k.sizeOf('list_head'));
  }

  /** The module whose memory contains an address. */
  moduleAt(address: Ptr): LoadedModule | undefined {
    return this.modules.find((module) => module.contains(address));
  }

  symbolAt(address: Ptr): SymbolAt | undefined {
    const module = this.moduleAt(address);
    const symbol = module?.symbolAt(address);
    return module && symbol && { ...symbol, module: module.name };
  }

  /** Lines that come once a boot. */
  readonly once = new Once();

  /** Parts of the kernel that have given up for this boot. */
  readonly dead = new Set<string>();

  /** The module that was removed last, with its taints: `hello(OE)`; '' for none. */
  lastUnloaded = '';

  add(module: LoadedModule): void {
    this.modules.unshift(module);
  }

  remove(module: LoadedModule): void {
    this.modules.splice(this.modules.indexOf(module), 1);
    if (module.listed) list.delInit(this.k.space, this.k.struct('module').addr(module.struct, 'list'));
    for (const listener of this.listeners) listener.removed?.(module);
  }

  /** The module appears in sysfs: its parameters were parsed. */
  published(module: LoadedModule): void {
    for (const listener of this.listeners) listener.published?.(module);
  }

  wentLive(module: LoadedModule): void {
    for (const listener of this.listeners) listener.wentLive?.(module);
  }

  /** Puts a module into the kernel's list, with its own reference and the loader's. */
  enlist(module: LoadedModule): void {
    const type = this.k.struct('module');
    list.add(this.k.space, type.addr(module.struct, 'list'), this.head);
    module.listed = true;
    type.set(module.struct, 'refcnt.counter', MODULE_REF_BASE);
    this.addReference(module.struct, 1);
  }

  /** Writes state and taints to struct module. */
  syncStruct(module: LoadedModule): void {
    if (module.struct === 0) return;
    const type = this.k.struct('module');
    type.set(module.struct, 'state', this.k.enumValue(STATES[module.state]));
    type.set(module.struct, 'taints', module.taint.mask);
  }

  /** References besides the module's own (module_refcount). */
  refcount(module: LoadedModule): number {
    if (module.struct === 0) return 0;
    return (
      this.k.struct('module').get(module.struct, 'refcnt.counter') - MODULE_REF_BASE + module.usedBy.length
    );
  }

  /** Gives back the loader's own reference, which came first. */
  put(module: LoadedModule): void {
    this.takers.get(module.struct)?.reverse();
    this.putStruct(module.struct);
    this.takers.get(module.struct)?.reverse();
  }

  /** module_put(): complains when there is no reference left to give back. The kernel itself, NULL, has none. */
  putStruct(struct: Ptr): void {
    if (struct === 0) return;
    if (this.k.struct('module').get(struct, 'refcnt.counter') > 0) this.addReference(struct, -1);
    else warn(this.k, '', 'kernel/module/main.c:857', 'module_put', 'refcount');
  }

  /** try_stop_module: from now on nobody gets a reference. */
  stop(module: LoadedModule): void {
    this.k.struct('module').set(module.struct, 'refcnt.counter', 0);
  }

  /** add_taint_module(): taints the module and the kernel; `reason` says why in a line. */
  taint(module: LoadedModule, name: TaintName, reason: string, unreliable = false): void {
    const { taint } = this.k.traps;
    if (unreliable) taint.addUnreliable(name, reason, module.name);
    else taint.add(name, reason, module.name);
    module.taint.add(name);
    this.syncStruct(module);
  }

  listing(): ModuleListing[] {
    return this.modules
      .filter((module) => module.state !== 'Unformed' && !this.isHidden(module))
      .map((module) => ({
        name: module.name,
        size: module.size,
        refcnt: this.refcount(module),
        usedBy: module.usedBy.map((user) => user.name),
        permanent: module.permanent,
        state: module.state,
        taints: module.taint.moduleLetters(),
      }));
  }

  /** __module_get(): a reference for somebody who has one already. */
  getStruct(struct: Ptr): void {
    if (struct !== 0) this.addReference(struct, 1);
  }

  /** try_module_get(): false of a module that goes. */
  tryGet(struct: Ptr): boolean {
    if (struct === 0) return true;
    const type = this.k.struct('module');
    const going = this.k.enumValue('MODULE_STATE_GOING');
    if (type.get(struct, 'state') === going || type.get(struct, 'refcnt.counter') <= 0) return false;
    this.addReference(struct, 1);
    return true;
  }

  /** Who took the references that the module has now, the oldest first. */
  takersOf(module: LoadedModule): readonly Origin[] {
    return this.takers.get(module.struct) ?? [];
  }

  private readonly takers = new Map<Ptr, Origin[]>();

  private addReference(struct: Ptr, by: number): void {
    const takers = this.takers.get(struct) ?? [];
    if (by > 0) takers.push(this.k.origins.here());
    else takers.pop();
    if (takers.length > 0) this.takers.set(struct, takers);
    else this.takers.delete(struct);
    const at = this.k.struct('module').addr(struct, 'refcnt.counter');
    const value = this.k.space.loadInt32(at) + by;
    this.k.space.store32(at, value);
  }

  private exporter(name: string): LoadedModule | undefined {
    return this.modules.find((module) => module.exports.has(name));
  }

  /** __symbol_get(): a reference on the owner; only what is exported for GPL modules is given. */
  private symbolGet(name: string): Ptr {
    const own = this.k.target.exports.get(name);
    const owner = own ? undefined : this.exporter(name);
    const exported = owner?.exports.get(name);
    if (!own && !exported) return 0;
    if (!(own ?? exported)!.gplOnly) {
      this.k.log.line(`failing symbol_get of non-GPLONLY symbol ${name}.`, LOGLEVEL_WARNING);
      return 0;
    }
    if (own) return this.k.fn(name);
    return owner && this.tryGet(owner.struct) ? exported!.address : 0;
  }

  private symbolPut(address: Ptr): void {
    const owner = this.moduleAt(address);
    if (owner) this.addReference(owner.struct, -1);
  }
}
