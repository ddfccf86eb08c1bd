import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { list } from '../abi/list.js';
import { EEXIST, EINVAL, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { BuiltinKtypes } from './builtin-ktypes.js';
import { krefGet, krefGetUnlessZero, krefInit, krefPut } from './kref.js';
import { duplicate, freeConst, hashed, kobjectName } from './names.js';
import { SysfsGroups } from './sysfs/groups.js';
import { Kernfs } from './sysfs/kernfs.js';
import { Sysfs } from './sysfs/sysfs.js';
import { Uevents } from './uevent.js';

const PLACE = 'lib/kobject.c';

/**
 * kobjects and ksets: named, counted objects that are directories in sysfs (lib/kobject.c,
 * Documentation/core-api/kobject.rst).
 */
export class Kobjects implements Subsystem {
  private readonly kobject: StructType;
  private readonly kset: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.kobject = k.struct('kobject');
    this.kset = k.struct('kset');
  }

  readonly exports = {
    kobject_init: (kobj: Ptr, ktype: Ptr) => this.init(kobj, ktype),
    kobject_add: (kobj: Ptr, parent: Ptr, fmt: Ptr, args: VarArgs) => this.addNamed(kobj, parent, fmt, args),
    kobject_init_and_add: (kobj: Ptr, ktype: Ptr, parent: Ptr, fmt: Ptr, args: VarArgs) => {
      this.init(kobj, ktype);
      return this.addNamed(kobj, parent, fmt, args);
    },
    kobject_set_name: (kobj: Ptr, fmt: Ptr, args: VarArgs) => this.setName(kobj, this.text(fmt, args)),
    kobject_set_name_vargs: (kobj: Ptr, fmt: Ptr, args: Ptr) =>
      this.setName(kobj, this.text(fmt, this.k.convention.vaList(args))),
    kobject_rename: (kobj: Ptr, name: Ptr) => this.rename(kobj, this.k.space.cstring(name)),
    kobject_move: (kobj: Ptr, parent: Ptr) => this.move(kobj, parent),
    kobject_del: (kobj: Ptr) => this.del(kobj),
    kobject_get: (kobj: Ptr) => this.get(kobj),
    kobject_get_unless_zero: (kobj: Ptr) =>
      kobj !== 0 && krefGetUnlessZero(this.k, this.kobject.addr(kobj, 'kref')) ? kobj : 0,
    kobject_put: (kobj: Ptr) => this.put(kobj),
    kobject_create_and_add: (name: Ptr, parent: Ptr) => this.createAndAdd(this.k.space.cstring(name), parent),
    kobject_get_path: (kobj: Ptr) => {
      const path = this.path(kobj);
      return path === undefined ? 0 : duplicate(this.k, path);
    },
    kset_init: (kset: Ptr) => this.initKset(kset),
    kset_register: (kset: Ptr) => this.registerKset(kset),
    kset_unregister: (kset: Ptr) => this.unregisterKset(kset),
    kset_create_and_add: (name: Ptr, ops: Ptr, parent: Ptr) =>
      this.createKset(this.k.space.cstring(name), ops, parent),
    kset_find_obj: (kset: Ptr, name: Ptr) => this.find(kset, this.k.space.cstring(name)),
  };

  /** kobject_init(): one reference, no name yet. */
  init(kobj: Ptr, ktype: Ptr): void {
    const { k, kobject } = this;
    if (kobj === 0 || ktype === 0) {
      const why = kobj === 0 ? 'invalid kobject pointer!' : 'must have a ktype to be initialized properly!\n';
      this.complain(`kobject (${hashed(k, kobj)}): ${why}`);
      return;
    }
    if (kobject.get(kobj, 'state_initialized')) {
      this.complain(
        `kobject (${hashed(k, kobj)}): tried to init an initialized object, something is seriously wrong.`,
      );
    }
    krefInit(k, kobject.addr(kobj, 'kref'));
    list.init(k.space, kobject.addr(kobj, 'entry'));
    for (const bit of ['state_in_sysfs', 'state_add_uevent_sent', 'state_remove_uevent_sent'])
      kobject.set(kobj, bit, 0);
    kobject.set(kobj, 'state_initialized', 1);
    kobject.set(kobj, 'ktype', ktype);
  }

  /** pr_err() and dump_stack(). */
  private complain(text: string): void {
    this.k.log.line(text, LOGLEVEL_ERR);
    this.k.traps.dumpStack(text.trimEnd());
  }

  /** kobject_set_name(): an allocated copy; slashes become exclamation marks. */
  setName(kobj: Ptr, text: string): number {
    const { k, kobject } = this;
    const old = kobject.get(kobj, 'name');
    if (old !== 0 && text === '') return 0;
    const name = duplicate(k, text.replaceAll('/', '!'));
    if (name === 0) return -ENOMEM;
    kobject.set(kobj, 'name', name);
    freeConst(k, old);
    return 0;
  }

  /** kobject_add(): names it, puts it in its kset and in sysfs below `parent`. */
  *add(kobj: Ptr, parent: Ptr, name: string): Sleepable<number> {
    const { k, kobject } = this;
    if (kobj === 0) return -EINVAL;
    if (!kobject.get(kobj, 'state_initialized')) {
      this.complain(
        `kobject '${kobjectName(k, kobj)}' (${hashed(k, kobj)}): tried to add an uninitialized object, something is seriously wrong.`,
      );
      return -EINVAL;
    }
    const error = this.setName(kobj, name);
    if (error) {
      k.log.line('kobject: can not set name properly!', LOGLEVEL_ERR);
      return error;
    }
    kobject.set(kobj, 'parent', parent);
    return yield* this.addInternal(kobj);
  }

  /** kobject_init_and_add(). */
  *initAndAdd(kobj: Ptr, ktype: Ptr, parent: Ptr, name: string): Sleepable<number> {
    this.init(kobj, ktype);
    return yield* this.add(kobj, parent, name);
  }

  /** kobject_get(). */
  get(kobj: Ptr): Ptr {
    const { k, kobject } = this;
    if (kobj === 0) return 0;
    if (!kobject.get(kobj, 'state_initialized')) this.uninitialized(kobj, 'get');
    krefGet(k, kobject.addr(kobj, 'kref'));
    return kobj;
  }

  /** kobject_put(): the last one calls the type's release. */
  *put(kobj: Ptr): Sleepable<void> {
    const { k, kobject } = this;
    if (kobj === 0) return;
    if (!kobject.get(kobj, 'state_initialized')) this.uninitialized(kobj, 'put');
    if (krefPut(k, kobject.addr(kobj, 'kref'))) yield* this.cleanup(kobj);
  }

  /** kobject_del(): out of sysfs and its kset; the references stay. */
  *del(kobj: Ptr): Sleepable<void> {
    if (kobj === 0) return;
    const parent = this.kobject.get(kobj, 'parent');
    yield* this.delInternal(kobj);
    yield* this.put(parent);
  }

  /** kobject_rename(). */
  *rename(kobj: Ptr, name: string): Sleepable<number> {
    const { k } = this;
    if (kobj === 0 || this.kobject.get(kobj, 'parent') === 0) return -EINVAL;
    const before = this.path(kobj);
    const error = k.get(Sysfs).renameDirectory(kobj, name);
    if (error) return error;
    this.setName(kobj, name);
    yield* k.get(Uevents).send(kobj, 'move', [`DEVPATH_OLD=${before ?? ''}`]);
    return 0;
  }

  /** kobject_move(). */
  *move(kobj: Ptr, newParent: Ptr): Sleepable<number> {
    const { k, kobject } = this;
    if (kobj === 0 || kobject.get(kobj, 'parent') === 0) return -EINVAL;
    let parent = this.get(newParent);
    const kset = kobject.get(kobj, 'kset');
    if (parent === 0 && kset !== 0) parent = this.get(this.kset.addr(kset, 'kobj'));
    const before = this.path(kobj);
    const error = k.get(Sysfs).moveDirectory(kobj, parent);
    if (error) {
      yield* this.put(parent);
      return error;
    }
    const old = kobject.get(kobj, 'parent');
    kobject.set(kobj, 'parent', parent);
    yield* this.put(old);
    yield* k.get(Uevents).send(kobj, 'move', [`DEVPATH_OLD=${before ?? ''}`]);
    return 0;
  }

  /** kobject_create_and_add(): 0 if it could not be added. */
  *createAndAdd(name: string, parent: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const kobj = k.slab.allocateBytes(this.kobject.size, true);
    if (kobj === 0) return 0;
    this.init(kobj, this.k.get(BuiltinKtypes).dynamic);
    const error = yield* this.add(kobj, parent, name);
    if (error === 0) return kobj;
    k.log.line(`kobject_create_and_add: kobject_add error: ${error}`, LOGLEVEL_WARNING);
    yield* this.put(kobj);
    return 0;
  }

  /** kobject_get_path(): names from the root, or undefined if one of them is missing. */
  path(kobj: Ptr): string | undefined {
    let path = '';
    for (let at = kobj; at !== 0; at = this.kobject.get(at, 'parent')) {
      if (this.kobject.get(at, 'name') === 0) return undefined;
      path = `/${kobjectName(this.k, at)}${path}`;
    }
    return path;
  }

  /** kset_init(). */
  initKset(kset: Ptr): void {
    const kobj = this.kset.addr(kset, 'kobj');
    krefInit(this.k, this.kobject.addr(kobj, 'kref'));
    list.init(this.k.space, this.kobject.addr(kobj, 'entry'));
    this.kobject.set(kobj, 'state_initialized', 1);
    list.init(this.k.space, this.kset.addr(kset, 'list'));
  }

  /** kset_register(). */
  *registerKset(kset: Ptr): Sleepable<number> {
    if (kset === 0) return -EINVAL;
    const kobj = this.kset.addr(kset, 'kobj');
    if (this.kobject.get(kobj, 'ktype') === 0) {
      this.k.log.line('must have a ktype to be initialized properly!', LOGLEVEL_ERR);
      return -EINVAL;
    }
    this.initKset(kset);
    const error = yield* this.addInternal(kobj);
    if (error) return error;
    yield* this.k.get(Uevents).send(kobj, 'add');
    return 0;
  }

  /** kset_unregister(). */
  *unregisterKset(kset: Ptr): Sleepable<void> {
    if (kset === 0) return;
    const kobj = this.kset.addr(kset, 'kobj');
    yield* this.del(kobj);
    yield* this.put(kobj);
  }

  /** kset_create_and_add(). */
  *createKset(name: string, ueventOps: Ptr, parent: Ptr): Sleepable<Ptr> {
    const kset = this.k.slab.allocateBytes(this.kset.size, true);
    if (kset === 0) return 0;
    const kobj = this.kset.addr(kset, 'kobj');
    this.setName(kobj, name);
    this.kset.set(kset, 'uevent_ops', ueventOps);
    this.kobject.set(kobj, 'parent', parent);
    this.kobject.set(kobj, 'ktype', this.k.get(BuiltinKtypes).kset);
    const error = yield* this.registerKset(kset);
    if (error === 0) return kset;
    freeConst(this.k, this.kobject.get(kobj, 'name'));
    this.k.slab.free(kset);
    return 0;
  }

  /** kset_find_obj(): with a reference. */
  find(kset: Ptr, name: string): Ptr {
    for (const kobj of this.members(kset))
      if (kobjectName(this.k, kobj) === name)
        return krefGetUnlessZero(this.k, this.kobject.addr(kobj, 'kref')) ? kobj : 0;
    return 0;
  }

  /** The kobjects of a kset, in the order they were added. */
  members(kset: Ptr): Ptr[] {
    const nodes = [...list.entries(this.k.space, this.kset.addr(kset, 'list'))];
    return nodes.map((node) => this.kobject.of(node, 'entry'));
  }

  /** The kobject inside a kset. */
  ksetKobject(kset: Ptr): Ptr {
    return kset === 0 ? 0 : this.kset.addr(kset, 'kobj');
  }

  /** kobject_add_internal(): for a kobject that has its name and parent already. */
  *addInternal(kobj: Ptr): Sleepable<number> {
    const { k, kobject } = this;
    const name = kobjectName(k, kobj);
    if (name === '') {
      const text = `kobject: (${hashed(k, kobj)}): attempted to be registered with empty name!`;
      warn(k, text, PLACE, 'kobject_add_internal');
      return -EINVAL;
    }
    let parent = this.get(kobject.get(kobj, 'parent'));
    const kset = kobject.get(kobj, 'kset');
    if (kset !== 0) {
      if (parent === 0) parent = this.get(this.kset.addr(kset, 'kobj'));
      this.joinKset(kobj, kset);
      kobject.set(kobj, 'parent', parent);
    }
    const error = yield* this.createDir(kobj, parent, name);
    if (error === 0) {
      kobject.set(kobj, 'state_in_sysfs', 1);
      return 0;
    }
    yield* this.leaveKset(kobj);
    yield* this.put(parent);
    kobject.set(kobj, 'parent', 0);
    k.log.line(
      error === -EEXIST
        ? `kobject_add_internal failed for ${name} with -EEXIST, don't try to register things with the same name in the same directory.`
        : `kobject_add_internal failed for ${name} (error: ${error} parent: ${parent ? kobjectName(k, parent) : "'none'"})`,
      LOGLEVEL_ERR,
    );
    return error;
  }

  private *createDir(kobj: Ptr, parent: Ptr, name: string): Sleepable<number> {
    const { k, kobject } = this;
    const sysfs = k.get(Sysfs);
    const error = sysfs.createDirectory(kobj, parent, name);
    if (error) return error;
    kobject.set(kobj, 'sd', k.get(Kernfs).nodeOf(sysfs.directoryOf(kobj)!));
    const ktype = kobject.get(kobj, 'ktype');
    const groups = ktype === 0 ? 0 : k.struct('kobj_type').get(ktype, 'default_groups');
    const failed = groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(kobj, groups);
    if (failed) sysfs.removeDirectory(kobj);
    return failed;
  }

  private joinKset(kobj: Ptr, kset: Ptr): void {
    this.get(this.kset.addr(kset, 'kobj'));
    list.addTail(this.k.space, this.kobject.addr(kobj, 'entry'), this.kset.addr(kset, 'list'));
  }

  private *leaveKset(kobj: Ptr): Sleepable<void> {
    const kset = this.kobject.get(kobj, 'kset');
    if (kset === 0) return;
    list.delInit(this.k.space, this.kobject.addr(kobj, 'entry'));
    yield* this.put(this.kset.addr(kset, 'kobj'));
  }

  private *delInternal(kobj: Ptr): Sleepable<void> {
    const { k, kobject } = this;
    const ktype = kobject.get(kobj, 'ktype');
    const groups = ktype === 0 ? 0 : k.struct('kobj_type').get(ktype, 'default_groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(kobj, groups);
    if (kobject.get(kobj, 'state_add_uevent_sent') && !kobject.get(kobj, 'state_remove_uevent_sent'))
      yield* k.get(Uevents).send(kobj, 'remove');
    k.get(Sysfs).removeDirectory(kobj);
    kobject.set(kobj, 'sd', 0);
    kobject.set(kobj, 'state_in_sysfs', 0);
    yield* this.leaveKset(kobj);
    kobject.set(kobj, 'parent', 0);
  }

  private *cleanup(kobj: Ptr): Sleepable<void> {
    const { k, kobject } = this;
    const name = kobject.get(kobj, 'name');
    let parent = kobject.get(kobj, 'parent');
    const ktype = kobject.get(kobj, 'ktype');
    if (kobject.get(kobj, 'state_in_sysfs')) yield* this.delInternal(kobj);
    else parent = 0;
    const types = k.struct('kobj_type');
    if (ktype !== 0 && types.get(ktype, 'release') !== 0) yield* types.call(ktype, 'release', kobj);
    freeConst(k, name);
    yield* this.put(parent);
  }

  private *addNamed(kobj: Ptr, parent: Ptr, fmt: Ptr, args: VarArgs): Sleepable<number> {
    return yield* this.add(kobj, parent, this.text(fmt, args));
  }

  private text(fmt: Ptr, args: VarArgs): string {
    return fmt === 0 ? '' : this.k.get(Vsprintf).text(fmt, args);
  }

  private uninitialized(kobj: Ptr, verb: 'get' | 'put'): void {
    const { k } = this;
    const name = kobjectName(k, kobj);
    const text = `kobject: '${name}' (${hashed(k, kobj)}): is not initialized, yet kobject_${verb}() is being called.`;
    warn(k, text, PLACE, `kobject_${verb}`);
  }
}
