import type { Ptr } from '../../../cpu/layout.js';
import { runNow, type Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EINVAL, EIO, ENODEV, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import { asKernel, type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { krefUnderflow } from '../../kobject/kref.js';
import { hostKtype } from '../../kobject/ktype.js';
import { createFile, createLink, removeChild, removeFile } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { getDevice, kobjOf, OF_DEVICE } from './device.js';

interface ClassState {
  readonly class: Ptr;
  readonly name: string;
  /** struct subsys_private: its kset is /sys/class/NAME. */
  readonly priv: Ptr;
  readonly devices: Ptr[];
  readonly interfaces: Ptr[];
  /** Directories between a parent and its devices of this class, by the parent's kobject. */
  readonly glue: Map<Ptr, { readonly kobj: Ptr; users: number }>;
}

/** Classes of devices (drivers/base/class.c, Documentation/driver-api/driver-model/class.rst). */
export class Classes implements Subsystem {
  private readonly classes = new Map<Ptr, ClassState>();
  /** Where classes were that were unregistered. */
  private readonly gone = new Set<Ptr>();
  private top: Ptr = 0;
  private ktype: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __class_create: (owner: Ptr, name: Ptr) => this.create(name, owner),
    class_create: (name: Ptr) => this.create(name, 0),
    class_destroy: (cls: Ptr) => this.destroy(cls),
    __class_register: (cls: Ptr) => this.register(cls),
    class_register: (cls: Ptr) => this.register(cls),
    class_unregister: (cls: Ptr) => this.unregister(cls),
    class_is_registered: (cls: Ptr) => this.classes.has(cls),
    class_create_file_ns: (cls: Ptr, attr: Ptr) => {
      const state = this.classes.get(cls);
      return state ? createFile(this.k, this.kobjOf(state), attr) : -EINVAL;
    },
    class_remove_file_ns: (cls: Ptr, attr: Ptr) => {
      const state = this.classes.get(cls);
      if (state) removeFile(this.k, this.kobjOf(state), attr);
    },
    class_for_each_device: (cls: Ptr, start: Ptr, data: Ptr, fn: Ptr) =>
      this.forEachDevice(cls, start, data, fn),
    class_find_device: (cls: Ptr, start: Ptr, data: Ptr, match: Ptr) =>
      this.findDevice(cls, start, data, match),
    class_dev_iter_init: (iter: Ptr, cls: Ptr, start: Ptr, type: Ptr) =>
      this.iterInit(iter, cls, start, type),
    class_dev_iter_next: (iter: Ptr) => this.iterNext(iter),
    class_dev_iter_exit: (iter: Ptr) => void this.iterators.delete(iter),
    class_interface_register: (iface: Ptr) => this.addInterface(iface),
    class_interface_unregister: (iface: Ptr) => this.removeInterface(iface),
    class_compat_register: (name: Ptr) => this.compatRegister(this.k.space.cstring(name)),
    class_compat_unregister: (kobj: Ptr) => this.k.get(Kobjects).put(kobj),
    class_compat_create_link: (kobj: Ptr, device: Ptr, target: Ptr) => this.compatLink(kobj, device, target),
    class_compat_remove_link: (kobj: Ptr, device: Ptr, target: Ptr) =>
      this.compatUnlink(kobj, device, target),
    show_class_attr_string: (_cls: Ptr, attr: Ptr, page: Ptr) => this.showString(attr, page),
  };

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const state of this.classes.values()) {
      const { class: at, name, interfaces, glue } = state;
      const kobjects = [this.kobjOf(state), ...[...glue.values()].map(({ kobj }) => kobj)];
      yield { kind: 'class', at, kobjects, name: () => name };
      const what = { kind: 'class interface', struct: 'class_interface', uses: ['add_dev', 'remove_dev'] };
      yield* heldStructs(k, what, interfaces);
    }
  }

  private readonly iterators = new Map<Ptr, { readonly devices: Ptr[]; at: number; readonly type: Ptr }>();

  boot(): void {
    const { k } = this;
    this.ktype = hostKtype(k, {
      name: 'class',
      release: (kobj) => this.released(kobj),
      show: (kobj, attr, page) => this.show(kobj, attr, page),
      store: (kobj, attr, page, count) => this.store(kobj, attr, page, count),
    });
    this.top = runNow(k.get(Kobjects).createKset('class', 0, 0));
    if (k.hasSymbol('class_kset')) k.space.storePtr(k.symbol('class_kset'), this.top);
  }

  /** class_create(): an allocated class, or an ERR_PTR. */
  *create(name: Ptr, owner: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('class');
    const cls = k.slab.allocateBytes(type.size, true);
    if (cls === 0) return errPtr(ENOMEM);
    type.set(cls, 'name', name);
    if (type.has('owner')) type.set(cls, 'owner', owner);
    type.bind(cls, 'class_release', 'class_create_release', (ptr: Ptr) => void k.slab.free(ptr));
    const error = yield* this.register(cls);
    if (error === 0) return cls;
    k.slab.free(cls);
    return errPtr(-error);
  }

  /** class_destroy(). */
  *destroy(cls: Ptr): Sleepable<void> {
    if (cls === 0 || isErr(cls)) return;
    yield* this.unregister(cls);
  }

  /** class_register(). */
  *register(cls: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('class');
    const privType = k.struct('subsys_private');
    const priv = k.slab.allocateBytes(privType.size, true);
    if (priv === 0) return -ENOMEM;
    const name = type.string(cls, 'name');
    const kobjects = k.get(Kobjects);
    const kset = privType.addr(priv, 'subsys');
    const kobj = kobjects.ksetKobject(kset);
    list.init(k.space, privType.addr(priv, 'interfaces'));
    privType.set(priv, 'class', cls);
    kobjects.initKset(privType.addr(priv, 'glue_dirs'));
    kobjects.setName(kobj, name);
    if (type.has('dev_kobj') && type.get(cls, 'dev_kobj') === 0)
      type.set(cls, 'dev_kobj', k.space.loadPtr(k.symbol('sysfs_dev_char_kobj')));
    k.struct('kobject').set(kobj, 'kset', this.top);
    k.struct('kobject').set(kobj, 'ktype', this.ktype);
    if (type.has('p')) type.set(cls, 'p', priv);
    const error = yield* kobjects.registerKset(kset);
    if (error) {
      k.slab.free(k.struct('kobject').get(kobj, 'name'));
      k.slab.free(priv);
      if (type.has('p')) type.set(cls, 'p', 0);
      return error;
    }
    this.k.origins.note(cls);
    this.classes.set(cls, { class: cls, name, priv, devices: [], interfaces: [], glue: new Map() });
    const groups = type.get(cls, 'class_groups');
    return groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(kobj, groups);
  }

  /** class_unregister(): the class's own release runs when its directory is gone. */
  *unregister(cls: Ptr): Sleepable<void> {
    const state = this.classes.get(cls);
    if (!state) {
      this.unregisterAgain(cls);
      return;
    }
    const groups = this.k.struct('class').get(cls, 'class_groups');
    if (groups !== 0) this.k.get(SysfsGroups).removeGroups(this.kobjOf(state), groups);
    yield* this.k.get(Kobjects).unregisterKset(this.k.struct('subsys_private').addr(state.priv, 'subsys'));
  }

  /** Its struct subsys_private is gone, with the last reference; of a class that never had one it is NULL. */
  private unregisterAgain(cls: Ptr): void {
    const { k } = this;
    if (this.gone.has(cls)) krefUnderflow(k);
    else k.space.load32(k.struct('subsys_private').offsetOf('subsys.kobj'));
  }

  isRegistered(cls: Ptr): boolean {
    return this.classes.has(cls);
  }

  /** The kobject of /sys/class/NAME, 0 for a class that is not registered. */
  kobject(cls: Ptr): Ptr {
    const state = this.classes.get(cls);
    return state ? this.kobjOf(state) : 0;
  }

  devices(cls: Ptr): readonly Ptr[] {
    return this.classes.get(cls)?.devices ?? [];
  }

  /** The directory for devices of a class below a parent, with one more user (get_device_parent). */
  *glueDirectory(cls: Ptr, parent: Ptr): Sleepable<Ptr> {
    const state = this.classes.get(cls);
    if (!state) return parent;
    const known = state.glue.get(parent);
    if (known) {
      known.users++;
      return known.kobj;
    }
    const kobj = yield* asKernel(this.k, () => this.k.get(Kobjects).createAndAdd(state.name, parent));
    if (kobj !== 0) state.glue.set(parent, { kobj, users: 1 });
    return kobj;
  }

  /** One user less of the directory that a device is in; the last one removes it (cleanup_glue_dir). */
  *dropGlue(cls: Ptr, directory: Ptr): Sleepable<void> {
    const state = this.classes.get(cls);
    for (const [parent, glue] of state?.glue ?? []) {
      if (glue.kobj !== directory) continue;
      glue.users--;
      if (glue.users > 0) return;
      state?.glue.delete(parent);
      yield* this.k.get(Kobjects).del(directory);
      yield* this.k.get(Kobjects).put(directory);
    }
  }

  /** Adds a device to its class and offers it to the class's interfaces. */
  *addDevice(device: Ptr): Sleepable<void> {
    const state = this.classes.get(this.k.struct('device').get(device, 'class'));
    if (!state) return;
    state.devices.push(device);
    for (const iface of [...state.interfaces]) yield* this.offer(iface, device);
  }

  *removeDevice(device: Ptr): Sleepable<void> {
    const state = this.classes.get(this.k.struct('device').get(device, 'class'));
    const at = state?.devices.indexOf(device) ?? -1;
    if (!state || at < 0) return;
    for (const iface of [...state.interfaces]) yield* this.withdraw(iface, device);
    state.devices.splice(at, 1);
  }

  private kobjOf(state: ClassState): Ptr {
    return this.k.struct('subsys_private').addr(state.priv, 'subsys.kobj');
  }

  private topKobj(): Ptr {
    return this.k.get(Kobjects).ksetKobject(this.top);
  }

  private *released(kobj: Ptr): Sleepable<void> {
    const { k } = this;
    const priv = k.struct('subsys_private').of(kobj, 'subsys.kobj');
    const cls = k.struct('subsys_private').get(priv, 'class');
    const type = k.struct('class');
    const releases = type.get(cls, 'class_release') !== 0;
    this.classes.delete(cls);
    this.gone.add(cls);
    if (type.has('p')) type.set(cls, 'p', 0);
    if (releases) yield* type.call(cls, 'class_release', cls);
    k.slab.free(priv);
  }

  private *forEachDevice(cls: Ptr, start: Ptr, data: Ptr, fn: Ptr): Sleepable<number> {
    const state = this.classes.get(cls);
    if (cls === 0) return -EINVAL;
    if (!state) {
      this.complain('class_for_each_device', cls);
      return -EINVAL;
    }
    for (const device of state.devices.slice(start === 0 ? 0 : state.devices.indexOf(start) + 1)) {
      const result = yield* this.k.callAs(OF_DEVICE, fn, device, data);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *findDevice(cls: Ptr, start: Ptr, data: Ptr, match: Ptr): Sleepable<Ptr> {
    const state = this.classes.get(cls);
    if (cls === 0) return 0;
    if (!state) {
      this.complain('class_find_device', cls);
      return 0;
    }
    for (const device of state.devices.slice(start === 0 ? 0 : state.devices.indexOf(start) + 1))
      if ((yield* this.k.callAs(OF_DEVICE, match, device, data)) !== 0) return getDevice(this.k, device);
    return 0;
  }

  private complain(name: string, cls: Ptr): void {
    const text = `${name} called for class '${this.k.struct('class').string(cls, 'name')}' before it was initialized`;
    warn(this.k, text, 'drivers/base/class.c', name);
  }

  private iterInit(iter: Ptr, cls: Ptr, start: Ptr, type: Ptr): void {
    const devices = [...this.devices(cls)];
    const at = start === 0 ? 0 : devices.indexOf(start) + 1;
    this.iterators.set(iter, { devices, at, type });
  }

  private iterNext(iter: Ptr): Ptr {
    const state = this.iterators.get(iter);
    while (state && state.at < state.devices.length) {
      const device = state.devices[state.at++];
      if (state.type === 0 || this.k.struct('device').get(device, 'type') === state.type) return device;
    }
    return 0;
  }

  private *addInterface(iface: Ptr): Sleepable<number> {
    const state = this.classes.get(this.k.struct('class_interface').get(iface, 'class'));
    if (!state) return -ENODEV;
    state.interfaces.push(iface);
    for (const device of [...state.devices]) yield* this.offer(iface, device);
    return 0;
  }

  private *removeInterface(iface: Ptr): Sleepable<void> {
    const state = this.classes.get(this.k.struct('class_interface').get(iface, 'class'));
    if (!state?.interfaces.includes(iface)) return;
    state.interfaces.splice(state.interfaces.indexOf(iface), 1);
    for (const device of [...state.devices]) yield* this.withdraw(iface, device);
  }

  private *offer(iface: Ptr, device: Ptr): Sleepable<void> {
    const type = this.k.struct('class_interface');
    if (type.get(iface, 'add_dev') !== 0) yield* type.call(iface, 'add_dev', device, iface);
  }

  private *withdraw(iface: Ptr, device: Ptr): Sleepable<void> {
    const type = this.k.struct('class_interface');
    if (type.get(iface, 'remove_dev') !== 0) yield* type.call(iface, 'remove_dev', device, iface);
  }

  /** class_compat_register(): a directory among the classes. */
  compatRegister(name: string) {
    return this.k.get(Kobjects).createAndAdd(name, this.topKobj());
  }

  compatUnlink(kobj: Ptr, device: Ptr, target: Ptr): void {
    if (target !== 0) removeChild(this.k, kobjOf(this.k, device), 'device');
    removeChild(this.k, kobj, this.k.struct('device').string(device, 'kobj.name'));
  }

  compatLink(kobj: Ptr, device: Ptr, target: Ptr): number {
    const { k } = this;
    const error = createLink(k, kobj, kobjOf(k, device), k.struct('device').string(device, 'kobj.name'));
    if (error || target === 0) return error;
    return createLink(k, kobjOf(k, device), kobjOf(k, target), 'device');
  }

  private showString(attr: Ptr, page: Ptr): number {
    const text = `${this.k.struct('class_attribute_string').string(attr, 'str')}\n`;
    this.k.space.storeCstring(page, text);
    return text.length;
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const type = this.k.struct('class_attribute');
    if (type.get(attr, 'show') === 0) return -EIO;
    return yield* type.call(attr, 'show', this.classAt(kobj), attr, page);
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('class_attribute');
    if (type.get(attr, 'store') === 0) return -EIO;
    return yield* type.call(attr, 'store', this.classAt(kobj), attr, page, count);
  }

  private classAt(kobj: Ptr): Ptr {
    const type = this.k.struct('subsys_private');
    return type.get(type.of(kobj, 'subsys.kobj'), 'class');
  }
}
