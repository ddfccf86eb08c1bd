import type { Ptr } from '../../cpu/layout.js';
import { SHT_NOTE } from '../../formats/elf/index.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EINVAL, EIO, EPERM } from '../errno.js';
import type { LoadedModule, ModuleState } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Kobjects } from '../kobject/kobject.js';
import { hostKtype } from '../kobject/ktype.js';
import { allowedMode } from '../kobject/sysfs/groups.js';
import { SysfsBinary, SysfsDirectory } from '../kobject/sysfs/node.js';
import { Sysfs } from '../kobject/sysfs/sysfs.js';
import { Uevents } from '../kobject/uevent.js';
import type { Subsystem } from '../subsystem.js';
import { LoadError } from './load-error.js';
import { type KernelParam, parametersOf, setParameter } from './parse-args.js';

const INIT_STATES: Readonly<Record<ModuleState, string>> = {
  Live: 'live',
  Loading: 'coming',
  Unloading: 'going',
  Unformed: 'unformed',
};

const HOLDERS = 'holders';

/** /sys/module/NAME (kernel/module/sysfs.c, kernel/params.c, Documentation/ABI/stable/sysfs-module). */
export class ModuleDirectories implements Subsystem {
  readonly exports = {};
  private kset: Ptr = 0;
  private ktype: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    this.ktype = hostKtype(k, {
      name: 'module',
      show: (kobj, attr, page) => this.show(kobj, attr, page),
      store: (kobj, attr, page, count) => this.store(kobj, attr, page, count),
    });
    this.kset = runNow(k.get(Kobjects).createKset('module', 0, 0));
    if (k.hasSymbol('module_kset')) k.space.storePtr(k.symbol('module_kset'), this.kset);
    k.get(Modules).listen({
      published: (module) => this.publish(module),
      wentLive: (module) => this.announce(module),
      removed: (module) => this.remove(module),
    });
  }

  /** The kobject of a module. */
  kobjectOf(module: LoadedModule): Ptr {
    return this.k.struct('module').addr(module.struct, 'mkobj.kobj');
  }

  /** A parameter of a module that is part of the kernel: /sys/module/NAME/parameters/PARAMETER. */
  addBuiltinParameter(
    module: string,
    parameter: string,
    mode: number,
    access: { get(): string; set(text: string): number },
  ): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    let parameters = this.builtIn.get(module);
    if (!parameters) {
      const root = k.struct('kset').addr(this.kset, 'kobj');
      const directory = sysfs.directoryOf(runNow(k.get(Kobjects).createAndAdd(module, root)))!;
      sysfs.addText(directory, 'uevent', 0o200, undefined, () => 0);
      parameters = new SysfsDirectory('parameters', directory, directory.kobj);
      sysfs.add(parameters, directory);
      this.builtIn.set(module, parameters);
    }
    sysfs.addText(parameters, parameter, mode, access.get, access.set);
  }

  /** Parameters of what is part of the kernel, by its name. */
  private readonly builtIn = new Map<string, SysfsDirectory>();

  private publish(module: LoadedModule): void {
    const { k } = this;
    const type = k.struct('module');
    const kobj = this.kobjectOf(module);
    const kobjects = k.get(Kobjects);
    if (this.builtIn.has(module.name)) {
      const text = `${module.name}: module is already loaded`;
      k.log.line(text, LOGLEVEL_ERR);
      throw new LoadError(EINVAL, text);
    }
    type.set(module.struct, 'mkobj.mod', module.struct);
    k.struct('kobject').set(kobj, 'kset', this.kset);
    const result = runNow(kobjects.initAndAdd(kobj, this.ktype, 0, module.name));
    if (result < 0)
      throw new LoadError(-result, `${module.file}: no directory in /sys/module for '${module.name}'`);
    type.set(module.struct, 'holders_dir', runNow(kobjects.createAndAdd(HOLDERS, kobj)));
    const directory = k.get(Sysfs).directoryOf(kobj)!;
    this.addAttributes(module, directory);
    this.addParameters(module, directory);
    for (const owner of module.uses) this.linkHolder(owner, module, directory);
    if (this.addSections(module, directory)) this.addNotes(module, directory);
  }

  private announce(module: LoadedModule): void {
    const kobj = this.kobjectOf(module);
    if (this.k.get(Sysfs).directoryOf(kobj)) runNow(this.k.get(Uevents).send(kobj, 'add'));
  }

  private remove(module: LoadedModule): void {
    const { k } = this;
    const kobj = module.struct === 0 ? 0 : this.kobjectOf(module);
    if (kobj === 0 || !k.get(Sysfs).directoryOf(kobj)) return;
    for (const owner of module.uses) this.unlinkHolder(owner, module);
    const kobjects = k.get(Kobjects);
    const holders = k.struct('module').get(module.struct, 'holders_dir');
    if (holders !== 0) {
      runNow(kobjects.del(holders));
      runNow(kobjects.put(holders));
    }
    const drivers = k.struct('module').get(module.struct, 'mkobj.drivers_dir');
    if (drivers !== 0) runNow(kobjects.put(drivers));
    runNow(kobjects.del(kobj));
    runNow(kobjects.put(kobj));
  }

  private addAttributes(module: LoadedModule, directory: SysfsDirectory): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const part = (init: boolean): number =>
      module.memory.filter((memory) => memory.init === init).reduce((sum, memory) => sum + memory.size, 0);
    const texts: readonly (readonly [string, () => string])[] = [
      ['coresize', () => `${part(false)}\n`],
      ['initsize', () => `${part(true)}\n`],
      ['initstate', () => `${INIT_STATES[module.state]}\n`],
      ['refcnt', () => `${k.get(Modules).refcount(module)}\n`],
      ['taint', () => `${module.taint.moduleLetters()}\n`],
    ];
    for (const [name, text] of texts) sysfs.addText(directory, name, 0o444, text);
    for (const name of ['srcversion', 'version']) {
      const value = module.modinfo.get(name);
      if (value !== undefined) sysfs.addText(directory, name, 0o444, () => `${value}\n`);
    }
    sysfs.addText(directory, 'uevent', 0o200, undefined, (text) => this.uevent(module, text));
  }

  private addParameters(module: LoadedModule, directory: SysfsDirectory): void {
    const visible = parametersOf(this.k, module).filter((parameter) => parameter.permissions !== 0);
    if (visible.length === 0) return;
    const sysfs = this.k.get(Sysfs);
    const parameters = new SysfsDirectory('parameters', directory, directory.kobj);
    sysfs.add(parameters, directory);
    for (const parameter of visible)
      sysfs.addText(
        parameters,
        parameter.name,
        allowedMode(this.k, parameter.name, parameter.permissions),
        () => this.getParameter(parameter),
        (text) => this.storeParameter(module, parameter, text),
      );
  }

  /**
   * /sys/module/NAME/sections: where each section is; for root only. False where two have one name: then there is no such
   * directory.
   */
  private addSections(module: LoadedModule, directory: SysfsDirectory): boolean {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const sections = new SysfsDirectory('sections', directory, directory.kobj);
    sysfs.add(sections, directory);
    for (const section of module.sections.filter(({ size }) => size !== 0)) {
      const address = k.space.toAddress(section.address).toString(16).padStart(16, '0');
      if (sections.children.has(section.name)) {
        sysfs.add(new SysfsDirectory(section.name, sections, 0), sections);
        sysfs.remove(sections);
        return false;
      }
      sysfs.addText(sections, section.name, 0o400, () => `0x${address}\n`);
    }
    return true;
  }

  /** /sys/module/NAME/notes: the contents of its sections of notes (add_notes_attrs()). */
  private addNotes(module: LoadedModule, directory: SysfsDirectory): void {
    const { k } = this;
    const notes = module.sections.filter(
      ({ size, index }) => size !== 0 && module.elf.sections[index].type === SHT_NOTE,
    );
    if (notes.length === 0) return;
    const sysfs = k.get(Sysfs);
    const folder = new SysfsDirectory('notes', directory, directory.kobj);
    sysfs.add(folder, directory);
    for (const { name, address, size } of notes) {
      // biome-ignore lint/correctness/useYield: it never waits
      const read = function* (page: Ptr, offset: number, count: number): Sleepable<number> {
        k.space.bytes.copyWithin(page, address + offset, address + offset + count);
        return count;
      };
      sysfs.add(new SysfsBinary(name, folder, 0o444, { read }, size), folder);
    }
  }

  private linkHolder(owner: LoadedModule, user: LoadedModule, target: SysfsDirectory): void {
    const holders = this.k.get(Sysfs).directoryOf(this.k.struct('module').get(owner.struct, 'holders_dir'));
    if (holders?.name === HOLDERS) this.k.get(Sysfs).addLink(holders, target, user.name);
  }

  private unlinkHolder(owner: LoadedModule, user: LoadedModule): void {
    const sysfs = this.k.get(Sysfs);
    const holders = sysfs.directoryOf(this.k.struct('module').get(owner.struct, 'holders_dir'));
    const link = holders?.name === HOLDERS ? holders.children.get(user.name) : undefined;
    if (link) sysfs.remove(link);
  }

  private *uevent(module: LoadedModule, text: string): Sleepable<number> {
    const action = text.trim();
    if (action === 'add' || action === 'remove' || action === 'change')
      yield* this.k.get(Uevents).send(this.kobjectOf(module), action, ['SYNTH_UUID=0']);
    return 0;
  }

  private *getParameter(parameter: KernelParam): Sleepable<string | number> {
    const { k } = this;
    const ops = k.struct('kernel_param').get(parameter.address, 'ops');
    const type = k.struct('kernel_param_ops');
    if (type.get(ops, 'get') === 0) return -EPERM;
    const page = k.pages.allocate(0);
    const count = yield* type.call(ops, 'get', page, parameter.address);
    const text = count < 0 ? count : k.space.cstring(page, count);
    k.pages.free(page);
    return text;
  }

  private *storeParameter(module: LoadedModule, parameter: KernelParam, text: string): Sleepable<number> {
    const { k } = this;
    const ops = k.struct('kernel_param').get(parameter.address, 'ops');
    if (k.struct('kernel_param_ops').get(ops, 'set') === 0) return -EPERM;
    return yield* setParameter(k, module, parameter, text);
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const type = this.k.struct('module_attribute');
    const mkobj = this.k.struct('module_kobject').of(kobj, 'kobj');
    return type.get(attr, 'show') === 0 ? -EIO : yield* type.call(attr, 'show', attr, mkobj, page);
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('module_attribute');
    const mkobj = this.k.struct('module_kobject').of(kobj, 'kobj');
    return type.get(attr, 'store') === 0 ? -EIO : yield* type.call(attr, 'store', attr, mkobj, page, count);
  }
}
