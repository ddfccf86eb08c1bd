import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY, EEXIST, EINVAL, EOPNOTSUPP } from '../errno.js';
import { Mutexes } from '../kern/mutex.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { KernelModule, LinkerFile } from './linker-file.js';

/** What a module's handler is told (sys/sys/module.h). */
export const MOD_LOAD = 0;
export const MOD_UNLOAD = 1;
export const MOD_SHUTDOWN = 2;
export const MOD_QUIESCE = 3;

/** Modules and their events (sys/kern/kern_module.c). */
export class KernelModules implements Subsystem {
  /** In the order of their registration. */
  readonly list: KernelModule[] = [];
  private nextId = 1;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    module_register_init: (data: Ptr) => this.registerInit(data),
    module_lookupbyname: (name: Ptr) => this.named(this.k.space.cstring(name))?.handle ?? 0,
    module_lookupbyid: (id: number) => this.list.find((module) => module.id === id)?.handle ?? 0,
    module_reference: (module: Ptr) => {
      this.at(module).refs++;
    },
    module_release: (module: Ptr) => this.release(this.at(module)),
    module_getid: (module: Ptr) => this.at(module).id,
    module_getname: (module: Ptr) => this.k.constantString(this.at(module).name),
    module_file: (module: Ptr) => this.at(module).file.handle,
    module_setspecific: (module: Ptr, value: Ptr) => {
      this.at(module).specific = this.k.space.load64(value);
    },
  };

  /** Signature of a module's event handler: modeventhand_t. */
  private *event(module: KernelModule, what: number): Sleepable<number> {
    if (module.handler === 0) return withoutHandler(what);
    return yield* this.k.callAs('i:pip', module.handler, module.handle, what, module.arg);
  }

  /** module_register(): EEXIST for a name that another file has registered. */
  register(data: Ptr, file: LinkerFile): number {
    const type = this.k.struct('moduledata');
    const name = type.string(data, 'name');
    const known = this.named(name);
    if (known) {
      const from = `already loaded from ${known.file.filename}`;
      this.k.get(SubrPrf).line(`module_register: cannot register ${name} from ${file.filename}; ${from}`);
      return EEXIST;
    }
    this.add(name, file, type.get(data, 'evhand'), type.get(data, 'priv'));
    return 0;
  }

  /** A module of a file; without a handler its events have no effect. */
  add(name: string, file: LinkerFile, handler: Ptr, arg: Ptr): KernelModule {
    const handle = this.k.slab.allocateBytes(MODULE_BYTES, true);
    const module: KernelModule = {
      id: this.nextId++,
      name,
      handle,
      handler,
      arg,
      file,
      refs: 1,
      specific: 0n,
    };
    this.list.push(module);
    file.modules.push(module);
    return module;
  }

  /** The SYSINIT of every module: tells it that it is loaded. */
  private *registerInit(data: Ptr): Sleepable<void> {
    const { k } = this;
    const name = k.struct('moduledata').string(data, 'name');
    const module = this.named(name);
    if (!module) return k.panic(`module_register_init: module named ${name} not found\n`);
    const giant = k.variable('Giant');
    yield* k.get(Mutexes).lock(giant);
    const error = yield* this.event(module, MOD_LOAD);
    if (error !== 0) {
      yield* this.event(module, MOD_UNLOAD);
      this.release(module);
      const address = (ptr: Ptr): string => (ptr === 0 ? '0' : `0x${k.space.toAddress(ptr).toString(16)}`);
      const what = `MOD_LOAD (${name}, ${address(module.handler)}, ${address(module.arg)})`;
      k.get(SubrPrf).line(`module_register_init: ${what} error ${error}`);
    } else {
      const { modules } = module.file;
      modules.splice(modules.indexOf(module), 1);
      modules.unshift(module);
    }
    k.get(Mutexes).unlock(giant);
  }

  /** module_quiesce(): a module that has no word on it agrees. */
  *quiesce(module: KernelModule): Sleepable<number> {
    const error = yield* this.underGiant(module, MOD_QUIESCE);
    return error === EOPNOTSUPP || error === EINVAL ? 0 : error;
  }

  *unload(module: KernelModule): Sleepable<number> {
    return yield* this.underGiant(module, MOD_UNLOAD);
  }

  private *underGiant(module: KernelModule, what: number): Sleepable<number> {
    const giant = this.k.variable('Giant');
    yield* this.k.get(Mutexes).lock(giant);
    const error = yield* this.event(module, what);
    this.k.get(Mutexes).unlock(giant);
    return error;
  }

  /** module_release(): with its last reference it is gone. */
  release(module: KernelModule): void {
    if (--module.refs > 0) return;
    this.list.splice(this.list.indexOf(module), 1);
    const { modules } = module.file;
    const at = modules.indexOf(module);
    if (at >= 0) modules.splice(at, 1);
    this.k.slab.free(module.handle);
  }

  named(name: string): KernelModule | undefined {
    return this.list.find((module) => module.name === name);
  }

  private at(handle: Ptr): KernelModule {
    const module = this.list.find((one) => one.handle === handle);
    if (module) return module;
    return this.k.panic(`0x${this.k.space.toAddress(handle).toString(16)} is no module`);
  }
}

/** A module_t is told by its address alone. */
const MODULE_BYTES = 16;

/** modevent_nop(): what has no handler can be loaded and stays. */
function withoutHandler(what: number): number {
  if (what === MOD_LOAD) return 0;
  return what === MOD_UNLOAD ? EBUSY : EOPNOTSUPP;
}
